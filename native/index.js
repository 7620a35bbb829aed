// The addon for ES modules; index.cjs says how it is found. Not by `import`: Node 20 reports an error of an
// imported CommonJS module a second time, as one that nobody caught.
import { createRequire } from "node:module";

export default createRequire(import.meta.url)("./index.cjs");
