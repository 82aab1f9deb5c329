export const testToolSuites = () => [];
