"""Log-probabilities of one sequence by transformers in float32: the reference the project's own are checked against before anything is timed."""

import side


def main(process):
    workload = process.workload
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    model = side.load_model(workload).eval()
    ids = torch.tensor([workload["sequence"]], device=workload["device"])
    first = workload["promptTokens"]
    with torch.inference_mode():
        hidden = model.model(ids).last_hidden_state[0, first - 1 : -1]
        logits = model.lm_head(hidden).float()
    logprobs = torch.log_softmax(logits, -1).gather(1, ids[0, first:, None])[:, 0]
    process.reply(logprobs=logprobs.tolist(), version=transformers.__version__)


side.run(main)
