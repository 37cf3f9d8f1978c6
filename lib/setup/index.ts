export { doctor, type DoctorCheck, type DoctorReport } from './doctor';
export { ensureReady, isReady, runSetup, type SetupOptions, type SetupResult } from './setup';
