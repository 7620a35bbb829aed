// Prints the outcome of the smoke program, and the process that it leaves to its own end.
import { leaveOpen, smoke } from "./smoke.mjs";

console.log(await smoke());
console.log(await leaveOpen());
