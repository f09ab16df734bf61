// Names that may be metric labels although no configuration lists them: what the public providers serve under
// stable names. A client's own inventions become `other`.

enum WellKnownModels {
  static let names: [String] = [
    "gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4-turbo", "gpt-4",
    "gpt-3.5-turbo",
    "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5-pro", "gpt-5.1", "o1", "o1-mini", "o1-pro", "o3", "o3-mini",
    "o3-pro",
    "o4-mini", "gpt-image-1", "whisper-1", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-transcribe",
    "text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002", "omni-moderation-latest",
    "mistral-large-latest", "mistral-medium-latest", "mistral-small-latest", "codestral-latest",
    "mistral-embed",
    "deepseek-chat", "deepseek-reasoner", "grok-4", "grok-3", "grok-3-mini", "sonar", "sonar-pro",
    "llama-3.3-70b-versatile", "llama-3.1-8b-instant", "mock-model",
  ]
}
