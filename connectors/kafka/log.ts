/** What a client library has to say while it works; without secrets. */
export type KafkaLog = (level: 'warn' | 'info' | 'debug', message: string) => void
