export { BufferPool } from "./buffer-pool.js";
export type { FileSource, SourceName } from "./byte-source.js";
export type { Case, Prediction, ReadCaseOptions, ReadPredictionOptions } from "./case.js";
export { readCase, readPrediction, writePrediction } from "./case.js";
export { errorCode, FormatError, fileError, WriteError, writeError } from "./errors.js";
export {
  type FileData,
  makeFolder,
  removeFolders,
  writeFileAtomic,
  writeFilesAtomic,
} from "./file.js";
export { float16ToFloat32, float32ToFloat16 } from "./float16.js";
export { type FolderEntries, listCases, listFolder } from "./folder.js";
export { checkLabelRange, classLabels, labelNumbers, toInt64 } from "./labels.js";
export { groupsOf } from "./layouts/case-groups.js";
export { listedLabels } from "./layouts/data-list.js";
export type { ImageCase, ImageCases, ReadImageOptions } from "./layouts/image-case.js";
export { openImageCases } from "./layouts/image-cases.js";
export { type NnunetDataset, readNnunetDataset } from "./layouts/nnunet-dataset.js";
export { readNnunetGrid } from "./layouts/nnunet-grid.js";
export {
  predictionEnding,
  type VolumePrediction,
  writeNnunetDataset,
  writeNnunetPrediction,
} from "./layouts/nnunet-prediction.js";
export { readLabelMap } from "./layouts/read-label-map.js";
export { readMaskVolumes } from "./layouts/read-mask-volumes.js";
export type { Fold } from "./layouts/split.js";
export type { Limits } from "./limits.js";
export { defaultLimits } from "./limits.js";
export { type Lock, LockedError, lockBeside, lockFolder } from "./lock.js";
export {
  haveMasks,
  maskIgnoreProblem,
  maskRegions,
  mostMasks,
  type StoredMasks,
  storedMasks,
} from "./masks.js";
export { decodeNpy, encodeNpy, type ReadNpyOptions, readNpy, writeNpy } from "./npy.js";
export type { ReadNpzOptions, WriteNpzOptions } from "./npz.js";
export { encodeNpz, npzNames, readNpz, writeNpz } from "./npz.js";
export type { PickleValue } from "./pickle/machine.js";
export { readPickle } from "./pickle/read-pickle.js";
export { prefetch } from "./prefetch.js";
export { readRegularFile, readRegularFileSync, regularFilePieces } from "./regular-file.js";
export type { ReadSafetensorsOptions, Safetensors, SafetensorsOptions } from "./safetensors.js";
export {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  verifySafetensors,
  writeSafetensors,
} from "./safetensors.js";
export { SafetensorsFile } from "./safetensors-file.js";
export { staleTemporaries, sweepTemporaries, temporaryName } from "./temporaries.js";
export { type EncodePngOptions, encodePng } from "./volume/encode-png.js";
export { checkSameGrid, sameGrid } from "./volume/geometry.js";
export type { Colour } from "./volume/label-colours.js";
export { labelTensor } from "./volume/label-tensor.js";
export { readVolume } from "./volume/read-volume.js";
export { reorient } from "./volume/reorient.js";
export { sliceOf } from "./volume/slice-of.js";
export type { Grid, Vector, Volume, VolumeOptions } from "./volume/volume.js";
export { volumeOf } from "./volume/volume-of.js";
export type { WritableVolume, WriteVolumeOptions } from "./volume/volume-writer.js";
export { writeVolume } from "./volume/write-volume.js";
