export type { TestCase, TestFile } from './test-case.ts'
export { resultLines, coverageLines, junitXml } from './report.ts'
export { readTests, runTests } from './run-tests.ts'
export { recordTest } from './record-test.ts'
