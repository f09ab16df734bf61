// swift-tools-version: 6.2
// The house: who may import whom. Sources/README.md gives the reading order.

import Glibc
import PackageDescription

// Where the time goes, as `Tests/run profile` has counted it: by it the compiler decides what to inline and what to lay
// out together (see Tests/README.md). A function that has changed since is compiled as if it had not been counted.
// A file's name without its folder, so that a profile fits wherever the checkout lies.
let isCounting = Context.environment["REMORA_COUNTS"] != nil
// Each function has a section of its own, so that the linker can leave out the ones that nothing calls. Profilers follow
// frame pointers; a function that calls none needs no frame, and has none.
let profile =
  [
    "-Xfrontend", "-function-sections", "-Xcc", "-momit-leaf-frame-pointer",
    "-Xllvm", "-static-func-full-module-prefix=false", "-Xfrontend",
  ]
  + (isCounting
    ? ["-ir-profile-generate", "-D", "COUNTING"]
    : ["-ir-profile-use=\(Context.packageDirectory)/Sources/release.profdata"])

// What no request goes through is made small rather than fast.
let small = ["-Osize"]

let rules: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableExperimentalFeature("Lifetimes"),
]

// Exclusive access is proved by the compiler where it can be; what is left are properties of objects that one event
// loop owns. Debug builds and tests check those at run time, and so does the release in what no request goes through.
// Elsewhere each access would cost it a call that keeps a list: with checks on outside Wire and Detect, a chat of 1 KB
// took 96,900 instructions in place of 64,000, and a stream's chunk 10,100 in place of 5,600.
let house: [SwiftSetting] =
  [.unsafeFlags(["-enforce-exclusivity=unchecked"] + profile, .when(configuration: .release))] + rules
let checkedHouse: [SwiftSetting] = [.unsafeFlags(profile + small, .when(configuration: .release))] + rules

// Said by who builds from sources without their history; else the history says it. Digits alone: it becomes a string of C.
let revision = String(
  (Context.environment["REMORA_REVISION"] ?? Context.gitInformation?.currentCommit ?? "").prefix(40)
    .filter(\.isHexDigit))

// From 2.36 on GNU's C library reads what has to be relocated from bits: 8 KB in place of 0.9 MB.
let movesByBits: Bool = {
  var text = [CChar](repeating: 0, count: 64)
  guard unsafe confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count) > 0 else { return false }
  let numbers = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    .drop { !$0.isNumber }.split(separator: ".").compactMap { Int($0) }
  return !numbers.lexicographicallyPrecedes([2, 36])
}()

// What requests go through lies together, in the order in which it is called (see Tests/README.md). Names that are none any
// more are passed over.
let ordered = [
  "--symbol-ordering-file=\(Context.packageDirectory)/Sources/release.order", "--no-warn-symbol-ordering",
]

// LLVM's linker folds functions that are the same, and makes read-only what is only relocated. The program offers its
// symbols to no library: what is offered can't be left out. What `release.ld` and `release.lld` leave out is said there.
let linked =
  [
    "-use-ld=lld", "-ld-path=\(Context.packageDirectory)/Sources/release.lld",
    "-Xlinker", "-T\(Context.packageDirectory)/Sources/release.ld",
  ]
  + (["--no-export-dynamic", "--icf=all", "-O2"] + ordered
  + (movesByBits ? ["-z", "pack-relative-relocs"] : []))
  .flatMap { ["-Xlinker", $0] }

/// What no request goes through, or one that is read whole.
let checked: Set = ["Config", "Kubernetes", "Import", "Tape"]

/// Folders that hold a page beside the code.
let documented: Set = ["Config", "Dialects", "Policy", "Proxy", "Telemetry"]

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, exclude: documented.contains(name) ? ["README.md"] : [],
    swiftSettings: checked.contains(name) ? checkedHouse : house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: dependencies + ["Support"], swiftSettings: house)
}

let package = Package(
  name: "remora",
  products: [.executable(name: "remora", targets: ["remora"])],
  targets: [
    .systemLibrary(name: "CLanes"),
    .systemLibrary(name: "CLinux"),
    .target(name: "CRevision", cSettings: [.define("REMORA_REVISION", to: "\"\(revision)\"")]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
    target("Wire", ["CLanes"]),
    target("Detect", ["Wire", "COpenSSL"]),
    target("Config", ["Wire", "Detect", "CLinux"]),
    target("Dialects", ["Wire", "Config", "Detect"]),
    target("Policy", ["Wire", "Config", "Detect", "Dialects"]),
    target("Telemetry", ["Wire"]),
    target("Transport", ["Wire", "CLinux", "COpenSSL"]),
    target("Kubernetes", ["Wire"]),
    target("Import", ["Wire", "Config", "Detect"]),
    target("Tape", ["Wire", "Config", "Detect"]),
    target("HTTP", ["Wire", "Transport"]),
    target(
      "Proxy",
      ["CRevision", "Wire", "Config", "Detect", "Dialects", "Policy", "Telemetry", "Transport", "HTTP"]),
    .executableTarget(
      name: "remora",
      dependencies: [
        "Wire", "Config", "Detect", "Dialects", "Import", "Kubernetes", "Telemetry", "Transport", "HTTP",
        "Proxy",
        "Policy", "Tape",
      ],
      exclude: ["README.md"], swiftSettings: checkedHouse,
      // The default linker drops the counters.
      linkerSettings: isCounting
        ? [.unsafeFlags(["-profile-generate", "-use-ld=lld"])]
        : [.unsafeFlags(linked, .when(configuration: .release))]),
    .executableTarget(
      name: "remora-bench", dependencies: ["Wire", "Transport"], swiftSettings: house),

    .target(
      name: "Support", dependencies: ["Transport", "Wire"], path: "Tests/Support", swiftSettings: house),
    tests("Wire", ["Wire", "CLanes"]),
    tests("Detect", ["Detect", "Wire"]),
    tests("Config", ["Config", "Wire"]),
    tests("Dialects", ["Dialects", "Config", "Wire"]),
    tests("Import", ["Import", "Config"]),
    tests("Kubernetes", ["Kubernetes", "Wire"]),
    tests("Telemetry", ["Telemetry", "Wire"]),
    tests("Transport", ["Transport", "Wire"]),
    tests("HTTP", ["HTTP", "Transport", "Wire"]),
    tests("Policy", ["Policy", "Config", "Dialects", "Wire"]),
    tests("Proxy", ["Proxy", "Dialects", "Policy", "Config", "HTTP", "Telemetry", "Transport", "Wire"]),
  ]
)
