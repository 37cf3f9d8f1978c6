"""transformers `generate`: every prompt n times in one padded batch, sampled at temperature 1, end of sequence ignored."""

import time

import side


def main(process):
    workload = process.workload
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    model = side.load_model(workload).eval()
    device = workload["device"]
    prompts = torch.tensor(workload["prompts"], device=device).repeat_interleave(workload["n"], 0)
    new_tokens = workload["newTokens"]
    side.reset_peak()
    process.reply(ready=True, version=transformers.__version__, baseResidentBytes=side.peak_resident_bytes())

    def repetition(request):
        torch.manual_seed(request["repetition"])
        batch = prompts[: workload["n"]] if request.get("warmUp") else prompts
        mask = torch.ones_like(batch)
        side.synchronize(device)
        start = time.perf_counter()
        with torch.inference_mode():
            output = model.generate(
                batch,
                attention_mask=mask,
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                max_new_tokens=new_tokens,
                eos_token_id=None,
                pad_token_id=0,
            )
        side.synchronize(device)
        seconds = time.perf_counter() - start
        tokens = output.shape[0] * (output.shape[1] - batch.shape[1])
        if tokens != batch.shape[0] * new_tokens:
            raise RuntimeError(f"{tokens} tokens came instead of {batch.shape[0] * new_tokens}")
        return {"seconds": seconds, "tokens": tokens}

    process.serve(repetition)


side.run(main)
