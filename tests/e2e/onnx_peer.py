"""Reads what `spcnet export` writes, for onnx.py and export.py, in an environment of its own. Started with -I, so that `import onnx` is not onnx.py.

describe MODEL OUT.npz         checks the file, writes its constants; prints JSON
run      MODEL IN.npz OUT.npz  name -> feats [B, T, F] to name -> embs [B, E], by onnxruntime
sherpa   MODEL DIR OUT.npz     NAME.wav of the folder to NAME -> embedding, by sherpa-onnx
kaldi    SCP ARK OUT.npz       utterances and vectors of both, in their order, by kaldiio
"""
import glob
import json
import os
import sys
import wave

import numpy as np


def describe(model_path, out):
    import onnx
    from onnx import numpy_helper
    model = onnx.load(model_path)
    onnx.checker.check_model(model, full_check=True)
    graph = model.graph
    np.savez(out, **{each.name: numpy_helper.to_array(each) for each in graph.initializer})
    shape_of = lambda value: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
    return {"metadata": {each.key: each.value for each in model.metadata_props},
            "opset": [(each.domain, each.version) for each in model.opset_import],
            "inputs": {each.name: shape_of(each) for each in graph.input},
            "outputs": {each.name: shape_of(each) for each in graph.output},
            "nodes": [(each.op_type, each.name) for each in graph.node]}


def run(model_path, feats, out):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model_path, options, providers=["CPUExecutionProvider"])
    with np.load(feats) as given:
        np.savez(out, **{name: session.run(["embs"], {"feats": given[name]})[0] for name in given.files})
    return {}


def sherpa(model_path, folder, out):
    import sherpa_onnx
    extractor = sherpa_onnx.SpeakerEmbeddingExtractor(sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=model_path, num_threads=1))
    embeddings = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.wav"))):
        with wave.open(path) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
            rate = file.getframerate()
        stream = extractor.create_stream()
        stream.accept_waveform(rate, samples)
        stream.input_finished()
        embeddings[os.path.basename(path)[:-4]] = np.array(extractor.compute(stream), np.float32)
    np.savez(out, **embeddings)
    return {"dim": extractor.dim}


def kaldi(scp, ark, out):
    import kaldiio
    by_name = kaldiio.load_scp(scp)
    in_order = list(kaldiio.load_ark(ark))
    np.savez(out, scp_utts=list(by_name), scp=np.array([by_name[utt] for utt in by_name]), ark_utts=[utt for utt, _ in in_order],
             ark=np.array([vector for _, vector in in_order]))
    return {}


if __name__ == "__main__":
    print(json.dumps({"describe": describe, "run": run, "sherpa": sherpa, "kaldi": kaldi}[sys.argv[1]](*sys.argv[2:])))
