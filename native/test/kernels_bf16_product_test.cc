// Products of bf16 factors with fp32 sums against products of the widened factors.
#include <ATen/ATen.h>

#include <string>

#include "check.h"
#include "kernels/bf16_product.h"
#include "kernels/linear_bf16.h"

using namespace toolr0;

namespace {

at::Tensor random(int64_t rows, int64_t columns) {
  return at::randn({rows, columns}).to(at::kBFloat16);
}

void same(const at::Tensor& a, const at::Tensor& b, const std::string& what) {
  const double difference = ((a - b).norm() / b.norm()).item<double>();
  check::that(difference < 1e-6, "fp32 sums", __FILE__, __LINE__, what + ": " + std::to_string(difference));
}

void addsToTheSum() {
  for (const int64_t depth : {1, 31, 32, 77, 300, 2048, 2500})
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{1, 1}, {32, 32}, {33, 95}, {128, 64}, {300, 130}, {17, 48}}) {
      const at::Tensor a = random(depth, rows), b = random(depth, columns),
                       before = at::randn({rows, columns});
      const at::Tensor sum = before.clone();
      cpu::addTransposedProduct(sum, a, b);
      same(sum, before.to(at::kDouble) + at::mm(a.t().to(at::kDouble), b.to(at::kDouble)),
           std::to_string(rows) + " x " + std::to_string(columns) + " over " + std::to_string(depth));
    }
}

void readsRowsOfAWiderMatrix() {
  const at::Tensor a = random(70, 200).narrow(1, 40, 66), b = random(70, 90).narrow(1, 7, 50);
  const at::Tensor sum = at::zeros({66, 50});
  cpu::addTransposedProduct(sum, a, b);
  same(sum, at::mm(a.t().to(at::kDouble), b.to(at::kDouble)), "views");
}

void multipliesByATransposedMatrix() {
  for (const int64_t depth : {32, 96, 896})
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{1, 1}, {5, 61}, {32, 64}, {40, 1360}, {65, 127}, {3, 4100}}) {
      const at::Tensor a = random(rows, depth), b = random(columns, depth);
      const at::Tensor out = at::full({rows, columns}, 7.0f);
      cpu::productWithTransposed(out, a, b);
      same(out, at::mm(a.to(at::kDouble), b.t().to(at::kDouble)),
           std::to_string(rows) + " x " + std::to_string(columns) + " over " + std::to_string(depth));
    }
}

void keepsWhatIsNotANumber() {
  at::Tensor a = random(40, 64), b = random(100, 64);
  a[3][5] = NAN;
  const at::Tensor out = at::empty({40, 100});
  cpu::productWithTransposed(out, a, b);
  CHECK(out[3].isnan().all().item<bool>());
  CHECK(!out.narrow(0, 4, 36).isnan().any().item<bool>());
}

void leavesLibtorchsProductsAlone() {
  const at::Tensor a = random(256, 256), b = random(256, 256), sum = at::zeros({256, 256});
  const at::Tensor before = at::mm(a, b);
  cpu::addTransposedProduct(sum, a, b);
  CHECK(at::equal(at::mm(a, b), before));
}

}  // namespace

int main() {
  if (!cpu::hasAmx()) {
    std::puts("skipped: this CPU has no bf16 matrix tiles");
    return 77;
  }
  at::manual_seed(1);
  addsToTheSum();
  readsRowsOfAWiderMatrix();
  multipliesByATransposedMatrix();
  keepsWhatIsNotANumber();
  leavesLibtorchsProductsAlone();
  return check::report();
}
