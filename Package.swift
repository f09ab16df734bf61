// swift-tools-version: 6.2
// The house: who may import whom. Sources/README.md gives the reading order.

import PackageDescription

// Exclusive access is proved by the compiler where it can be; what is left are properties of objects that one event
// loop owns. Debug builds and tests check those at run time, the release build doesn't pay for it on every access.
let house: [SwiftSetting] = [
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableExperimentalFeature("Lifetimes"),
]

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: dependencies + ["Support"], swiftSettings: house)
}

let package = Package(
  name: "remora",
  products: [.executable(name: "remora", targets: ["remora"])],
  targets: [
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
    target("Wire"),
    target("Config", ["Wire"]),
    target("Dialects", ["Wire", "Config"]),
    target("Policy", ["Wire", "Config", "Dialects"]),
    target("Telemetry", ["Wire"]),
    target("Transport", ["Wire", "CLinux", "COpenSSL"]),
    target("Proxy", ["Wire", "Config", "Dialects", "Policy", "Telemetry", "Transport"]),
    .executableTarget(
      name: "remora",
      dependencies: ["Wire", "Config", "Dialects", "Telemetry", "Transport", "Proxy", "Policy"],
      swiftSettings: house),
    .executableTarget(
      name: "remora-bench", dependencies: ["Wire", "Transport"], swiftSettings: house),

    .target(
      name: "Support", dependencies: ["Transport", "Wire"], path: "Tests/Support", swiftSettings: house),
    tests("Wire", ["Wire"]),
    tests("Config", ["Config", "Wire"]),
    tests("Dialects", ["Dialects", "Config", "Wire"]),
    tests("Telemetry", ["Telemetry", "Wire"]),
    tests("Transport", ["Transport", "Wire"]),
    tests("Proxy", ["Proxy", "Dialects", "Policy", "Config", "Transport", "Wire"]),
  ]
)
