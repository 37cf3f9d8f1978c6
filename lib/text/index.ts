/** Text primitives with the exact semantics of Python, safe on hostile input: nothing here throws on any text. */
export * from './format';
export * from './hash';
export * from './json-write';
export * from './rounding';
export * from './unicode';
export { readJson, MAX_JSON_DEPTH, MAX_READ_LENGTH, type ReadLimits, type ReadResult } from './json-read';
export { readPythonLiteral } from './python-literal';
export {
  ELLIPSIS,
  PyBytes,
  PyComplex,
  PyDict,
  PyFloat,
  PySet,
  PyTuple,
  asDouble,
  fromJson,
  isDict,
  isFloat,
  isInt,
  isTruthy,
  nestingDepth,
  pyEquals,
  pyInt,
  type PyValue,
} from './value';
