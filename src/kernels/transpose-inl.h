// Between rows in memory and vectors that hold one number of every row. Compiled once for each
// processor (Highway's foreach_target).
#if defined(SPC_KERNELS_TRANSPOSE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPC_KERNELS_TRANSPOSE_INL_H
#undef SPC_KERNELS_TRANSPOSE_INL_H
#else
#define SPC_KERNELS_TRANSPOSE_INL_H
#endif

#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

// Four vectors.
template <class D>
struct Quartet {
  HWY_INLINE const Vector<D>& operator[](size_t i) const {
    return i == 0 ? v0 : i == 1 ? v1 : i == 2 ? v2 : v3;
  }
  Vector<D> v0, v1, v2, v3;
};

#if HWY_TARGET == HWY_SCALAR  // a vector is one number

template <class D>
HWY_INLINE Quartet<D> load_transposed(D d, const float* const* rows, size_t offset) {
  const float* from = rows[0] + offset;
  return {hn::LoadU(d, from), hn::LoadU(d, from + 1), hn::LoadU(d, from + 2),
          hn::LoadU(d, from + 3)};
}

template <class D>
HWY_INLINE void store_transposed(D d, const Quartet<D>& values, float* const* rows, size_t offset) {
  for (size_t i = 0; i < 4; ++i) hn::StoreU(values[i], d, rows[0] + offset + i);
}

#else  // a vector is one block of four numbers or several

// Block b of the vector is four numbers of row 4 b.
template <class D>
HWY_INLINE Vector<D> load_blocks(D d, const float* const* rows, size_t offset) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, rows[0] + offset);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks(half, rows + hn::MaxLanes(half), offset),
                       load_blocks(half, rows, offset));
  }
}

template <class D>
HWY_INLINE void store_blocks(D d, Vector<D> value, float* const* rows, size_t offset) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    hn::StoreU(value, d, rows[0] + offset);
  } else {
    const hn::Half<D> half;
    store_blocks(half, hn::LowerHalf(half, value), rows, offset);
    store_blocks(half, hn::UpperHalf(half, value), rows + hn::MaxLanes(half), offset);
  }
}

// Four by four within each block.
template <class D>
HWY_INLINE Quartet<D> transpose_blocks(D d, const Quartet<D>& from) {
  const hn::Repartition<uint64_t, D> pairs;
  const auto lower01 = hn::BitCast(pairs, hn::InterleaveLower(d, from.v0, from.v1));
  const auto upper01 = hn::BitCast(pairs, hn::InterleaveUpper(d, from.v0, from.v1));
  const auto lower23 = hn::BitCast(pairs, hn::InterleaveLower(d, from.v2, from.v3));
  const auto upper23 = hn::BitCast(pairs, hn::InterleaveUpper(d, from.v2, from.v3));
  return {hn::BitCast(d, hn::InterleaveLower(pairs, lower01, lower23)),
          hn::BitCast(d, hn::InterleaveUpper(pairs, lower01, lower23)),
          hn::BitCast(d, hn::InterleaveLower(pairs, upper01, upper23)),
          hn::BitCast(d, hn::InterleaveUpper(pairs, upper01, upper23))};
}

// Vector i, lane l: rows[l][offset + i].
template <class D>
HWY_INLINE Quartet<D> load_transposed(D d, const float* const* rows, size_t offset) {
  return transpose_blocks(
      d, Quartet<D>{load_blocks(d, rows, offset), load_blocks(d, rows + 1, offset),
                    load_blocks(d, rows + 2, offset), load_blocks(d, rows + 3, offset)});
}

// rows[l][offset + i]: vector i, lane l.
template <class D>
HWY_INLINE void store_transposed(D d, const Quartet<D>& values, float* const* rows, size_t offset) {
  const Quartet<D> blocks = transpose_blocks(d, values);
  store_blocks(d, blocks.v0, rows, offset);
  store_blocks(d, blocks.v1, rows + 1, offset);
  store_blocks(d, blocks.v2, rows + 2, offset);
  store_blocks(d, blocks.v3, rows + 3, offset);
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();
#endif
