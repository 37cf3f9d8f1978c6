"""Forward and backward of TRL's log-probability head: logits of all tokens, `selective_log_softmax`, as its GRPO trainer does it."""

import time

import side


def main(process):
    workload = process.workload
    import torch
    import transformers
    import trl
    from trl.trainer.utils import selective_log_softmax

    transformers.logging.set_verbosity_error()
    model = side.load_model(workload).train()
    device = workload["device"]
    ids = torch.tensor(workload["prompts"], device=device)
    parameters = list(model.parameters())
    side.reset_peak()
    # Parameters and gradients; no optimizer runs here.
    state = sum(parameter.numel() * parameter.element_size() * 2 for parameter in parameters)
    process.reply(
        ready=True, version=trl.__version__, baseResidentBytes=side.peak_resident_bytes(), stateBytes=state
    )

    def repetition(_request):
        model.zero_grad()
        side.synchronize(device)
        start = time.perf_counter()
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
        loss = -selective_log_softmax(logits, ids[:, 1:]).mean()
        loss.backward()
        side.synchronize(device)
        return {"seconds": time.perf_counter() - start, "tokens": ids.numel()}

    process.serve(repetition)


side.run(main)
