"""The line protocol between the benchmark and a measured process in Python.

argv[1] is a JSON file that describes the workload. The process loads its model, writes {"ready": ...}, then answers each line
{"repetition": i} on stdin with one line: seconds, tokens and its peak memory. Whatever else is printed goes to stderr.
"""

import json
import os
import sys
import traceback


def peak_resident_bytes():
    """VmHWM of this process; None where there is no /proc."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def reset_peak():
    """Forgets the peak so far (loading a model may need more than running it)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def memory():
    import torch

    cuda = torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else None
    return {"peakResidentBytes": peak_resident_bytes(), "peakCudaBytes": cuda}


class Side:
    def __init__(self):
        # Libraries print to stdout: keep the real one for the protocol.
        self.replies = os.fdopen(os.dup(1), "w", encoding="utf8")
        os.dup2(2, 1)
        with open(sys.argv[1], encoding="utf8") as file:
            self.workload = json.load(file)
        if self.workload.get("threads", 0) > 0:
            import torch

            torch.set_num_threads(self.workload["threads"])

    def reply(self, **fields):
        self.replies.write(json.dumps(fields) + "\n")
        self.replies.flush()

    def next_request(self):
        """The next request, or None when the benchmark is done with this process."""
        line = sys.stdin.readline()
        return json.loads(line) if line.strip() else None

    def serve(self, repetition):
        """Answers every request with what `repetition(request)` returns and the memory peak."""
        while (request := self.next_request()) is not None:
            self.reply(**repetition(request), **memory())


def run(main):
    """Runs `main(side)`; an error becomes a reply that the benchmark shows when it skips the row."""
    side = Side()
    try:
        main(side)
    except Exception as error:  # the reason is the row's
        traceback.print_exc()
        reason = str(error).strip().splitlines() or [type(error).__name__]
        side.reply(error=f"{type(error).__name__}: {reason[0]}"[:300])
        side.replies.flush()
        os._exit(1)  # threads of the library may hang
    side.replies.flush()
    os._exit(0)


def load_model(workload):
    """The causal language model of the workload's folder, in its dtype, on its device."""
    import torch
    from transformers import AutoModelForCausalLM

    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[workload["dtype"]]
    model = AutoModelForCausalLM.from_pretrained(workload["modelDir"], dtype=dtype)
    return model.to(workload["device"])


def synchronize(device):
    import torch

    if str(device).startswith("cuda"):
        torch.cuda.synchronize()
