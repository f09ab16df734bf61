// A volume as kubelet keeps it: `name -> ..data/name`, `..data -> ..DATED`, and one rename that publishes all files.

import Glibc
import Testing

/// A directory that is written as kubelet writes ConfigMaps and Secrets. Every step checks that it worked.
final class Volume {
  let path: String
  private var generation = 0
  private var current: String?

  init(_ name: String) throws {
    path = Scratch.shared.file(name)
    try make(path)
  }

  func file(_ name: String) -> String { path + "/" + name }

  /// Publishes `files`: a new dated directory, the links, the rename of `..data`, then the old one's removal.
  func publish(_ files: [String: String]) throws {
    generation += 1
    let dated = "..2026_01_01_00_00_0\(generation).\(1000 + generation)"
    try make(file(dated))
    for (name, text) in files { try write(file(dated) + "/" + name, text) }
    for name in files.keys { _ = unsafe symlink("..data/" + name, file(name)) }
    try #require(unsafe symlink(dated, file("..data_tmp")) == 0)
    try #require(unsafe rename(file("..data_tmp"), file("..data")) == 0)
    if let current {
      for name in try names(in: file(current)) {
        if files[name] == nil { _ = unsafe unlink(file(name)) }
        try #require(unsafe unlink(file(current) + "/" + name) == 0)
      }
      try #require(unsafe rmdir(file(current)) == 0)
    }
    current = dated
  }

  /// Takes the volume away, files and all.
  func remove() throws {
    for name in try names(in: path) { _ = unsafe unlink(file(name)) }
    if let current {
      for name in try names(in: file(current)) { _ = unsafe unlink(file(current) + "/" + name) }
      try #require(unsafe rmdir(file(current)) == 0)
    }
    current = nil
    try #require(unsafe rmdir(path) == 0)
  }

  func make(_ directory: String) throws { try #require(unsafe mkdir(directory, 0o755) == 0) }

  /// Rewrites a file in place.
  func write(_ file: String, _ text: String) throws {
    let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    try #require(descriptor >= 0)
    let count = unsafe Glibc.write(descriptor, text, text.utf8.count)
    try #require(count == text.utf8.count)
    try #require(close(descriptor) == 0)
  }

  private func names(in directory: String) throws -> [String] {
    guard let listing = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(listing) }
    var names: [String] = []
    while let entry = unsafe readdir(listing) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
        unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
