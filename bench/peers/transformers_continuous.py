"""transformers continuous batching (`generate_batch`): the same rollouts through its paged engine."""

import time

import side


def main(process):
    workload = process.workload
    import torch
    import transformers
    from transformers import GenerationConfig
    from transformers.generation import configuration_utils

    transformers.logging.set_verbosity_error()
    model = side.load_model(workload).eval()
    device = workload["device"]
    prompts = [list(prompt) for prompt in workload["prompts"] for _ in range(workload["n"])]
    new_tokens = workload["newTokens"]
    longest = max(len(prompt) for prompt in prompts)
    settings = {}
    if device == "cpu":
        # Sizes that are read off a GPU's free memory otherwise.
        block = 32
        pages = sum(-(-(len(prompt) + new_tokens) // block) + 1 for prompt in prompts)
        settings = {
            "block_size": block,
            "num_blocks": pages,
            "max_batch_tokens": max(2048, longest),
            "max_blocks_per_request": 0,
            "use_cuda_graph": False,
        }
    batching = configuration_utils.ContinuousBatchingConfig(**settings)
    generation = GenerationConfig(
        do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=new_tokens, eos_token_id=-1, pad_token_id=0
    )
    side.reset_peak()
    process.reply(ready=True, version=transformers.__version__, baseResidentBytes=side.peak_resident_bytes())

    def repetition(request):
        torch.manual_seed(request["repetition"])
        batch = prompts[: workload["n"]] if request.get("warmUp") else prompts
        side.synchronize(device)
        start = time.perf_counter()
        # Its worker thread has an inference mode of its own.
        outputs = model.generate_batch(batch, generation_config=generation, continuous_batching_config=batching)
        side.synchronize(device)
        seconds = time.perf_counter() - start
        errors = [output.error for output in outputs.values() if output.error]
        if errors:
            raise RuntimeError(str(errors[0]))
        tokens = sum(len(output.generated_tokens) for output in outputs.values())
        if tokens != len(batch) * new_tokens:
            raise RuntimeError(f"{tokens} tokens came instead of {len(batch) * new_tokens}")
        return {"seconds": seconds, "tokens": tokens}

    process.serve(repetition)


side.run(main)
