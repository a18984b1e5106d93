// The law of tests/laws/resume.test.ts with twenty SIGKILLs in place of two.
process.env['TICKLOOM_KILLS'] = '20'
await import('../laws/resume.test.ts')
