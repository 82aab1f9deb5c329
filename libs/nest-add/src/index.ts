export { nestAdd } from './nest-add.js';
