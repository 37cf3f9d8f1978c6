/** 16-bit weights, and fp32 master, two moments and gradient, per parameter of a role on CUDA. */
const ROLE_BYTES_PER_PARAMETER = 18;
/** What both roles may take of a device; the rest is for keys and values, activations and logits. */
const ROLES_SHARE = 0.7;

/** Whether a CUDA device has room for both roles and a step; else one of them waits in host memory. */
export function holdsBothRoles(parameters: number, deviceBytes: number): boolean {
  return 2 * parameters * ROLE_BYTES_PER_PARAMETER <= ROLES_SHARE * deviceBytes;
}
