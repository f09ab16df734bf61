// Which revision of the sources this binary was built from: the one fact that only the build knows (Package.swift).
#pragma once

/// Hexadecimal digits, or nothing; lives as long as the program.
const char *_Nonnull remora_revision(void);
