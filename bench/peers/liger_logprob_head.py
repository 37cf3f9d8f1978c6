"""Forward and backward of Liger's fused linear GRPO loss on the same hidden states (GPU only: its kernels are Triton)."""

import time

import side


def main(process):
    workload = process.workload
    import importlib.metadata

    import torch
    import transformers
    from liger_kernel.chunked_loss import LigerFusedLinearGRPOLoss

    transformers.logging.set_verbosity_error()
    model = side.load_model(workload).train()
    device = workload["device"]
    ids = torch.tensor(workload["prompts"], device=device)
    mask = torch.ones_like(ids[:, 1:])
    advantages = torch.where(torch.arange(ids.shape[0], device=device) % 2 == 0, 1.0, -1.0)
    head = LigerFusedLinearGRPOLoss(beta=0.0, use_ref_model=False, compiled=False)
    side.reset_peak()
    state = sum(parameter.numel() * parameter.element_size() * 2 for parameter in model.parameters())
    process.reply(
        ready=True,
        version=importlib.metadata.version("liger-kernel"),
        baseResidentBytes=side.peak_resident_bytes(),
        stateBytes=state,
    )

    def repetition(_request):
        model.zero_grad()
        side.synchronize(device)
        start = time.perf_counter()
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        loss, _metrics = head(hidden, model.lm_head.weight, ids[:, 1:], mask, advantages)
        loss.backward()
        side.synchronize(device)
        return {"seconds": time.perf_counter() - start, "tokens": ids.numel()}

    process.serve(repetition)


side.run(main)
