import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{lib,schemas,seal,scan,history,stacks,policies,providers,engine,sandbox,doctor,rotation,audit,backup,scripts,tests}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 2,
    maxConcurrency: 2,
  },
});
