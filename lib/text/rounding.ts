/**
 * Python's `round`: the nearest, halves to the even neighbour. With `digits` the decimal expansion of the double
 * itself decides, as in Python (`round(2.675, 2)` is 2.67 because 2.675 is stored below the half).
 */
export function roundHalfEven(value: number, digits = 0): number {
  if (!Number.isFinite(value)) return value;
  if (digits === 0) {
    const below = Math.floor(value);
    const rest = value - below;
    if (rest !== 0.5) return Math.round(value);
    return below % 2 === 0 ? below : below + 1;
  }
  // toFixed rounds exactly but takes halves up; an exact half is a short decimal, so it shows in all its digits.
  const exact = Math.abs(value).toFixed(Math.min(100, digits + 60));
  const cut = exact.length - 60;
  const rounded = Number(Math.abs(value).toFixed(digits));
  const isHalf = digits + 60 <= 100 && /^50*$/.test(exact.slice(cut));
  const down = Number(exact.slice(0, cut));
  const lastDigit = Number(exact[cut - 1]);
  return Math.sign(value) * (isHalf && lastDigit % 2 === 0 ? down : rounded);
}
