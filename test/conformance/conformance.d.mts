export type Protocol = 'classic' | 'core';

export interface Check {
  number: number;
  section: string;
  rule: string;
}

export interface Claim {
  protocol: Protocol;
  number: number;
}

export interface TestOutcome {
  title: string;
  fullName: string;
  status: string;
}

export interface ResultFile {
  testResults: { assertionResults: { title: string; fullName?: string; status: string }[] }[];
}

export interface ProtocolReport {
  protocol: Protocol;
  total: number;
  proven: Check[];
  excepted: (Check & { reason: string })[];
  unproven: (Check & { failedBy: string[] })[];
}

export type Tables = Record<Protocol, Check[]>;
export type Exceptions = Partial<Record<Protocol, Record<string, string>>>;

export const protocols: Protocol[];
export function loadTables(): Tables;
export function loadExceptions(): Exceptions;
export function parseTags(title: string): { claims: Claim[]; errors: string[] };
export function collectTests(results: ResultFile[]): TestOutcome[];
export function assess(
  tables: Tables,
  tests: TestOutcome[],
  exceptions?: Exceptions,
): { reports: ProtocolReport[]; problems: string[] };
export function formatReport(reports: ProtocolReport[]): string;
