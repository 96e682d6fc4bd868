/* What the console takes of the verifier. */
export { assess } from "./assess";
export { kindOf } from "./verify";
export { viewOf } from "./view";
