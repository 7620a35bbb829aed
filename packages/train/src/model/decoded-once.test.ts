import { OnnxFile, parseModel, serializeModel } from "@pixelcal/graph";
import { describe, expect, it } from "vitest";
import { checkModel } from "../check/check-model.js";
import { Trainer } from "../trainer/trainer.js";
import { smallUnet, squares } from "../trainer/training.test.helper.js";
import { modelClasses } from "./source.js";

const graph = smallUnet.model.build(smallUnet.batch);

/**
 * Makes a file whose bytes no longer decode, so that whatever works with it decodes nothing again. The
 * producer's name is not UTF-8, which only a decoder of the whole message sees.
 */
function undecodable(): OnnxFile {
  const bytes = Buffer.from(serializeModel(graph));
  const file = new OnnxFile(bytes);
  bytes[bytes.indexOf("PixelCal")] = 0xff;
  return file;
}

describe("an ONNX file is decoded once", () => {
  it("is no longer readable after the damage these tests do", () => {
    expect(() => parseModel(undecodable().bytes)).toThrow("not an ONNX file");
  });

  it("by check", async () => {
    const report = await checkModel(undecodable(), { threads: 1 });
    const { providers: _, ...facts } = await checkModel(serializeModel(graph), { threads: 1 });
    expect(report).toMatchObject(facts);
    expect(report.providers[0]).toMatchObject({ device: "cpu", predicts: true, trains: true });
  });

  it("by a trainer from its creation to the written file", async () => {
    const model = undecodable();
    expect(modelClasses(model, smallUnet.batch)).toBe(graph.outputs.get("logits")!.dims[1]);
    const trainer = await Trainer.create({ ...smallUnet, model });
    try {
      await trainer.step(squares(1));
      await trainer.evaluateLoss(squares(2));
      expect(trainer.exportModel().length).toBe(model.bytes.length);
    } finally {
      await trainer.close();
    }
  });

  it("by a trainer that is given bytes", async () => {
    const bytes = Buffer.from(serializeModel(graph));
    const trainer = await Trainer.create({ ...smallUnet, model: bytes });
    try {
      bytes[bytes.indexOf("PixelCal")] = 0xff;
      await trainer.step(squares(1));
      await trainer.evaluateLoss(squares(2));
      expect(trainer.exportModel().length).toBe(bytes.length);
    } finally {
      await trainer.close();
    }
  });
});
