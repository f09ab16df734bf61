// The one instruction that Swift has no word for: sixteen bytes' top bits as a number. Headers only.

#pragma once

typedef unsigned char lanes_block __attribute__((ext_vector_type(16)));

/// As lanes_top_bits, for machines that have no instruction for it.
static inline __attribute__((always_inline)) unsigned lanes_top_bits_reckoned(lanes_block block) {
  typedef unsigned long long halves __attribute__((ext_vector_type(2)));
  // Each bit of the factor brings another byte's into the product's top byte, and none meets another below it.
  halves top = ((halves)block >> 7) & 0x0101010101010101ull;
  top = (top * 0x0102040810204080ull) >> 56;
  return (unsigned)(top[0] | top[1] << 8);
}

/// A bit for each byte whose top bit is set, the first byte's lowest.
static inline __attribute__((always_inline)) unsigned lanes_top_bits(lanes_block block) {
#if defined(__SSE2__)
  typedef char bytes __attribute__((vector_size(16)));
  return (unsigned)__builtin_ia32_pmovmskb128((bytes)block);
#else
  return lanes_top_bits_reckoned(block);
#endif
}
