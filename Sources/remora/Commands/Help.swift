// `remora help`: what can be typed.

enum Help {
  static func run(_ topic: Topic?) -> Int32 {
    Console.write(topic.map(text) ?? overview)
    return ExitStatus.good
  }

  static func run(_ page: Page) -> Int32 {
    Console.write(page.text)
    return ExitStatus.good
  }

  private static let overview = """
    Remora: a sidecar proxy for OpenAI-format LLM traffic.

    usage: remora [COMMAND] [OPTIONS]

      serve     run the proxy (the default)
      check     validate a configuration and every file and variable that it names
      demo      the main job with no key and no network
      explain   show how a model's name resolves
      import    make a configuration of another gateway's
      inject    put the sidecar into Kubernetes manifests
      models    list which names lead where, and their prices
      policy    show what the policies find in a text
      audit     check an audit log's chain
      record    run an application's tests once against the provider, and keep the answers
      replay    run them again from there, without network, key or cost
      probe     ask the admin listener whether a running proxy is alive or ready
      schema    print the configuration's JSON Schema
      version   print the version
      webhook   put the sidecar into pods as they are created
      help      print this, a command's options, or a page about one of
                configuration, models, limits, policies, providers, errors, metrics, kubernetes, recordings

    The configuration is --config FILE, else $REMORA_CONFIG, else /etc/remora/remora.yaml, else the
    environment: every well-known provider whose key is found there is served.

    """

  private static func text(_ topic: Topic) -> String {
    switch topic {
    case .serve:
      """
      usage: remora [serve] [--config FILE] [--listen ADDR]… [--admin ADDR] [--log-level LEVEL]

      Runs the proxy until SIGTERM or SIGINT, which drain it; a second one stops it at once.

        --config FILE      the configuration, YAML or JSON
        --listen ADDR      where to take requests, instead of the configuration's 'listen'; repeatable
        --admin ADDR       where to serve health and metrics, instead of the configuration's 'admin'
        --log-level LEVEL  trace, debug, info, warn or error

      ADDR is host:port, [::1]:4141 or unix:/path. Exit status: 0 after a signal, 1 if it could not start,
      2 for wrong usage.

      """
    case .check:
      """
      usage: remora check [FILE] [--format text|json] [--print]

      Validates FILE ('-' for standard input), or what 'remora serve' would read, and every secret, certificate and key that it names.

        --format json      problems and warnings as a JSON array on stdout
        --print            the whole configuration that would hold, as JSON on stdout, without secrets

      Problems are written to stderr as FILE:LINE:COLUMN: error: what is wrong, and what would be right.
      Exit status: 0 valid, 1 problems, 2 wrong usage.

      """
    case .demo:
      """
      usage: remora demo

      Starts an embedded provider behind real TLS and the proxy in front of it, sends one chat and one stream
      through, shows what went where and what was counted, then serves until Ctrl-C.

      """
    case .explain:
      """
      usage: remora explain MODEL [--config FILE] [--body FILE [--endpoint NAME]] [--admin ADDR]

      Shows who serves a model's name, under which name and why. No request is sent. Where a proxy runs, its admin
      port is asked how the targets are doing and what is left of the limits.

        --admin ADDR       the running proxy's admin port; the configuration's, if not said
        --body FILE        the body of a chat, completion, response, message or of embeddings ('-' for standard input):
                           shows the request that each target would get, translated and without secrets
        --endpoint NAME    where the body would be sent, if not where it looks to go: chat_completions, completions,
                           embeddings, responses, messages, count_tokens or input_tokens

      Exit status: 0 if somebody serves it, 1 if nobody does, the request can't be sent as it is or the
      configuration is bad, 2 for wrong usage.

      """
    case .import:
      """
      usage: remora import [--from litellm|agentgateway|keeptrusts] [--strict] [--report text|json] FILE

      Prints a configuration that does what another gateway's does, as far as it can; FILE is '-' for standard input.
      What is said otherwise or has no counterpart stands at its end, with its line and why. No secret is printed:
      where one is written in FILE, a file is named for it.

        --from NAME        whose configuration it is; told by its keys, if not said
        --strict           exit with 1 where something must be done by hand or has no counterpart
        --report json      instead, what became of each value, and the configuration, as JSON

      Exit status: 0, 1 if the file can't be read or isn't one of theirs, 2 for wrong usage.

      """
    case .inject: inject
    case .webhook: webhook
    case .probe:
      """
      usage: remora probe [--admin ADDR] [--ready]

      Asks a running proxy's admin listener for /healthz, and answers within a second.

        --admin ADDR       where it listens; 127.0.0.1:4142 if not said
        --ready            ask for /readyz instead: whether it takes requests

      Exit status: 0 yes, 1 no, 2 wrong usage.

      """
    case .models:
      """
      usage: remora models [--config FILE] [--json]

      Lists every name that leads to a configured provider without pinning it: the entries of 'models', then the
      catalogue's names. With each target stand its price in US dollars for a million tokens, its context window in
      tokens, where the name and the price come from, and the day on which the model ends.

        --config FILE      the configuration, as for 'remora serve'
        --json             the same as JSON: {"models": […]}

      """
    case .policy:
      """
      usage: remora policy test [--policy NAME] [--config FILE]

      Reads a text on standard input and prints what the configured policies find in it: place, kind, policy and
      confidence, never the text itself.

        --policy NAME      only this one
        --config FILE      the configuration, YAML or JSON

      Exit status: 0, 1 if the configuration or the text can't be read, 2 for wrong usage.

      """
    case .audit:
      """
      usage: remora audit verify FILE… [--key FILE]

      Looks whether each line of an audit log follows on the one before it and says what was written. Name the files
      in the order in which they were written: audit-*.jsonl audit.jsonl.

        --key FILE         the log's key, where it has one

      Exit status: 0 all lines are whole, 1 one isn't, or a file can't be read; 2 for wrong usage.

      """
    case .record, .replay: tape(topic)
    case .schema:
      """
      usage: remora schema

      Prints the JSON Schema (draft 2020-12) of the configuration. Editors that know YAML schemas complete
      and check with it.

      """
    case .version:
      """
      usage: remora version

      Prints Remora's version and those of what it is made with.

      """
    case .help:
      """
      usage: remora help [COMMAND|TOPIC]

      TOPIC is \(Page.allCases.map(\.rawValue).joined(separator: ", ")).

      """
    }
  }

  private static func tape(_ topic: Topic) -> String {
    topic == .record
      ? """
      usage: remora record DIR [--config FILE] [--missing] [--errors] [--ignore /POINTER]… [--normalize RULE[,RULE]]…
                           [-- COMMAND…]

      Serves as 'remora serve' does, and writes each exchange into DIR as the application saw it. With a command, that is
      run with OPENAI_BASE_URL and ANTHROPIC_BASE_URL set, at a port of its own, and its exit status is this one's.

        --config FILE      the configuration
        --missing          answer from DIR what is there already, and ask only for the rest
        --errors           store 401, 403, 429 and 5xx too, and what Remora itself refuses
        --ignore /POINTER  a member of the body (JSON pointer, '*' for any name) that doesn't tell requests apart;
                           or one of the headers that do, anthropic-beta and openai-beta
        --normalize RULE   texts that are taken for the same: uuid, time, path, or RE=TEXT

      Exit status: the command's; 1 where an exchange held a secret or could not be written; 2 for wrong usage.

      """
      : """
      usage: remora replay DIR [--timing none|recorded|FACTOR] [--exhausted repeat|fail] [--unused ignore|fail]
                           [--listen ADDR]… [--admin ADDR] [-- COMMAND…]
             remora replay DIR --verify [--config FILE]

      Answers from what 'remora record' has written into DIR. It reads no configuration and no key, and connects nowhere.
      A request that isn't there gets 501 with the nearest recording and where the two differ.

        --timing WHAT      recorded: events with the pauses that they had; 0.5: with half of them
        --exhausted WHAT   what follows the last recording of a request: the same again, or a miss
        --unused fail      exit with 1 where a recording was never asked for
        --listen ADDR      instead of 127.0.0.1:4141 and [::1]:4141
        --admin ADDR       health, metrics and POST /replay/reset, instead of 0.0.0.0:4142
        --verify           ask the configuration's providers once more for what is recorded, which costs what recording
                           did, and say where their answers are made otherwise now; nothing is written

      Exit status: the command's, or 1 where a request was missed; without a command 0 after a signal; with --verify 1
      where an answer has another status or form, or lacks a member that the recording has; 2 for wrong usage.

      """
  }

  private static let webhook = """
    usage: remora webhook --tls-cert FILE --tls-key FILE [--listen ADDR] [--admin ADDR] [--on-error deny|allow]
                          [--mode native|classic] [--image REF] [--config NAME] [--secret NAME[,NAME]]
                          [--containers a,b] [--env add|leave]

    Serves a mutating admission webhook that does to pods what 'remora inject' does to manifests. The chart
    installs it (webhook.enabled).

      --tls-cert FILE    the certificate chain, PEM; followed when it is renewed
      --tls-key FILE     its private key, PEM
      --listen ADDR      where the API server asks: [::]:8443
      --admin ADDR       where health and metrics are: [::]:4142
      --on-error WHAT    deny a pod that can't be injected, which is the default, or allow it with a warning

    The other options are those of 'remora inject': a pod's annotations go before them. Exit status: 0 after a
    signal, 1 if it could not start, 2 for wrong usage.

    """

  private static let inject = """
    usage: remora inject [-f FILE|-]… [--uninject] [--opt-in] [--mode native|classic] [--image REF] [--config NAME]
                         [--secret NAME[,NAME]] [--containers a,b] [--env add|leave] [--dry-run]

    Puts the sidecar into every workload of the manifests, YAML or JSON, and writes them to stdout. Text is
    inserted, none is changed; what is injected already stays as it is.

      -f FILE            a file, '-' for standard input, which is the default; repeatable
      --uninject         take out what inject has put in: gives the input back
      --opt-in           only workloads with the label or annotation remora.dev/inject: "true"
      --mode MODE        native: an init container with restartPolicy Always (Kubernetes 1.29), the default;
                         classic: an ordinary container
      --image REF        the image; annotations on the pod template go before this and the options below
      --config NAME      the ConfigMap with remora.yaml: remora
      --secret NAMES     the Secrets whose keys are files in /var/run/secrets/remora: remora; '--secret=' for none
      --containers a,b   who gets OPENAI_BASE_URL and OPENAI_API_KEY: all containers but init containers
      --env leave        set no variables
      --dry-run          print what would become of each object instead

    Exit status: 0 done, skipped workloads included; 1 something can't be read or injected, and nothing is
    written; 2 wrong usage.

    """
}
