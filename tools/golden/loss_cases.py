"""The losses that are evaluated on each fixture; each is a configuration as `lossFromConfig` reads it."""

MORPHOLOGY = ("erosion", "dilation", "opening", "closing", "internal-gradient", "external-gradient", "gradient", "none")
KERNELS = ("mean", "max", "min", "mode", "gaussian", "bilateral")
NACL_2D = ("mean", "max", "min", "median", "mode", "gaussian", "bilateral", "gradient", "image-l1", "image-l2")


def loss(name, **options):
    return {"name": name, **options}


POINTWISE = [
    loss("crossEntropy"),
    loss("dice"),
    loss("dice", includeBackground=False),
    loss("dice", batch=True, jaccard=True),
    loss("dice", squared=True, smoothNumerator=0),
    loss("diceCrossEntropy", preset="reference"),
    loss("diceCrossEntropy", diceWeight=0.25, crossEntropyWeight=0.75),
    loss("focal"),
    loss("focal", gamma=2, reduction="all"),
    loss("focal", gamma=1, reduction="sum"),
    loss("focal", gamma=0.5),
    loss("labelSmoothing"),
    loss("labelSmoothing", preset="reference", alpha=0.2),
    loss("entropyPenalty"),
    loss("entropyPenalty", preset="reference"),
    loss("focalCalibration"),
    loss("focalCalibration", preset="reference"),
    loss("mbls", margin=2),
    loss("mbls", margin=4, alpha=0.3),
    loss("flsd"),
    loss("flsd", gamma=1),
    loss("dualFocal"),
    loss("tversky"),
    loss("tversky", falsePositiveWeight=0.6, focus=0.75, includeBackground=False),
    loss("dicePlusPlus"),
    loss("unifiedFocal"),
    loss("acls", margin=1),
    loss("adaFocal"),
    loss("cals", margin=2),
    loss("dca"),
    loss("mdca"),
    loss("meep"),
    loss("meep", form="entropy", weight=0.5),
    loss("meep", pixels="all"),
    loss("l1Ace"),
    loss("l1Ace", binning="soft", bins=7, includeAbsent=True),
]

NEIGHBOURS = [
    loss("boundary"),
    loss("boundary", includeBackground=False),
    loss("boundaryUncertainty"),
    loss("boundaryUncertainty", inner=0.8, outer=0.3, diceWeight=0.5),
    loss("hausdorff"),
    loss("hausdorff", alpha=1, includeBackground=True, logarithm=True),
    loss("signedDistanceRegression"),
    loss("crac"),
    loss("crac", margin=2, rho=1),
    loss("svls"),
    loss("svls", sigma=2),
    loss("svls", preset="reference"),
    loss("marginSvls", margin=3),
    loss("nacl", preset="monai"),
    loss("nacl", preset="monai", kernel="gaussian", distance="l2"),
    loss("nacl", preset="reference"),
    loss("nacl", preset="reference", kernel="mode", distance="l2"),
    loss("signedDistanceCalibration", preset="reference"),
    loss("signedDistanceCalibration", preset="reference", distance="l2", scale=1),
    loss("signedDistanceCalibration", preset="reference", morphology="dilation", kernel="gaussian", sdfWeight=1),
    loss("signedDistanceCalibration", preset="consistent"),
    loss("signedDistanceCalibration", preset="consistent", distance="l2", normalize="truncate", truncate=3),
]

PLANES = [
    loss("nacl"),
    loss("nacl", kernel="mode", of="probs"),
    loss("nacl", kernel="image-l1", distance="l2"),
    loss("nacl", size=5, alpha=0.3),
    loss("marginSvls", variant="adaptive", target="svls", marginWeight=0.05, margin=2),
    loss("marginSvls", variant="adaptive", of="probs", tolerance=0.1),
]


VOLUMES = [
    loss("nacl"),
    loss("nacl", dimensions=3, kernel="mode"),
    loss("nacl", dimensions=3, morphology="dilation", distance="l2"),
    loss("nacl", kernel="image-l2", of="probs"),
    loss("marginSvls", variant="adaptive", dimensions=3, target="svls"),
]


def cases_of(name, fixture):
    planar = len(fixture["dims"]) == 4
    chosen = POINTWISE + NEIGHBOURS + (PLANES if planar else VOLUMES)
    classes = fixture["dims"][1]
    weights = [0.5, 2, 1, 3, 0.25][:classes]
    chosen = chosen + [loss("crossEntropy", classWeights=weights), loss("focal", gamma=2, classWeights=weights)]
    if classes > 2:
        chosen = chosen + [loss("cpc")]
    if name not in ("ties", "even"):  # which of two equal logits is the runner-up is not defined there
        chosen = chosen + [loss("mbls", preset="reference", margin=3)]
    if name == "sheet":
        chosen = chosen + [loss("nacl", kernel=k, distance=d, of=u)
                           for k in NACL_2D for d in ("l1", "l2") for u in ("logits", "probs")]
    if name in ("sheet", "pixels"):
        chosen = chosen + [loss("nacl", kernel=k, morphology=m) for m in MORPHOLOGY[:-1] for k in ("mean", "max", "mode")]
        chosen = chosen + [loss("nacl", kernel=k, morphology="opening", of="probs") for k in NACL_2D]
        chosen = chosen + [loss("nacl", preset="reference", morphology="gradient", kernel="mean")]
        chosen = chosen + [loss("marginSvls", variant="adaptive", morphology="closing", target="svls")]
    if name in ("sheet", "pixels", "volume"):
        chosen = chosen + [loss("marginSvls", margin=3, morphology=m) for m in MORPHOLOGY[:-1]]
        chosen = chosen + [loss("signedDistanceCalibration", preset="consistent", morphology=m) for m in MORPHOLOGY[:-1]]
        chosen = chosen + [loss("signedDistanceCalibration", preset="consistent", kernel="gaussian", size=5)]
        chosen = chosen + [loss("signedDistanceCalibration", preset="consistent", size=5, morphology="gradient")]
        chosen = chosen + [loss("signedDistanceCalibration", preset="reference", morphology=m, kernel=k, alpha=1)
                           for m in MORPHOLOGY for k in KERNELS]
    return [c for i, c in enumerate(chosen) if c not in chosen[:i]]
