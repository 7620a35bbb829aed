export { generatePhantom, type Phantom, type PhantomOptions, phantomClasses } from "./phantom.js";
export { truthKey, type WritePhantomsOptions, writePhantoms } from "./write.js";
