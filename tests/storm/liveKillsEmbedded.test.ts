// The law of tests/laws/liveKills.test.ts, whose tables are in an embedded database, with thirty SIGKILLs in place of four.
process.env['TICKLOOM_KILLS'] = '30'
await import('../laws/liveKills.test.ts')
