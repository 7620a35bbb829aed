import type { Native } from "./index.js" with { "resolution-mode": "import" };

declare const native: Native;
export = native;
