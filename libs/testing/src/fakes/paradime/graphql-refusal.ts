/** A GraphQL request that Paradime refuses, in the response as `errors[0].message`. */
export class GraphqlRefusal extends Error {}
