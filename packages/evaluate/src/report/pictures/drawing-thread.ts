// The program of the thread that draws a case: it gets the case's arrays, and answers with its pictures.
import { parentPort, workerData } from "node:worker_threads";
import { drawCase } from "./draw-case.js";

parentPort!.postMessage(await drawCase(workerData));
