#include "grpo/loss_terms.h"

namespace toolr0 {

at::Tensor klEstimate(const at::Tensor& logps, const at::Tensor& refLogps, const at::Tensor& ratio,
                      bool biasCorrected) {
  const at::Tensor d = refLogps - logps;
  const at::Tensor estimate = d.exp() - d - 1;
  return biasCorrected ? estimate * ratio
                       : estimate;  // the ratio is not detached: TRL's gradient goes through it
}

}  // namespace toolr0
