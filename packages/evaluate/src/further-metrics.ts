/** The families of columns beyond the usual ones. */
export const furtherMetrics = [
  "boundary",
  "centerline",
  "lesions",
  "risk",
  "smooth",
  "surfaces",
  "temperature",
  "tools",
  "volumes",
] as const;

export type FurtherMetric = (typeof furtherMetrics)[number];
