#pragma once
#include <tl/expected.hpp>

#include "core/error.hpp"

namespace blobvalet {

/// A value, or the refusal that a client is to hear.
template <class T>
using Result = tl::expected<T, Error>;

/// `return refuse(Errc::bad_method, "_method", "must be PUT or DELETE");`
[[nodiscard]] inline tl::unexpected<Error> refuse(Errc errc, StaticText field, StaticText what,
                                                  StaticText log_reason = "") {
  return tl::unexpected<Error>(Error{errc, field, what, log_reason});
}

}  // namespace blobvalet
