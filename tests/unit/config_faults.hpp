#pragma once
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"

namespace blobvalet::testing {

/// Every fault of a configuration, in alphabetical order.
inline std::vector<std::string> faults_of(std::string_view json) {
  std::vector<std::string> faults;
  const auto config = Config::parse(json);
  if (config) return faults;
  for (const ConfigFault& fault : config.error())
    faults.push_back(fault.text());
  std::ranges::sort(faults);
  return faults;
}

/// A configuration and what is wrong with it.
struct FaultRow {
  const char* name;
  std::string json;
  std::vector<std::string> faults;  ///< in alphabetical order
};

inline void check(const std::vector<FaultRow>& rows) {
  for (const FaultRow& row : rows) {
    BOOST_TEST_CONTEXT(row.name << ": " << row.json) {
      const auto faults = faults_of(row.json);
      BOOST_CHECK_EQUAL_COLLECTIONS(faults.begin(), faults.end(), row.faults.begin(), row.faults.end());
    }
  }
}

}  // namespace blobvalet::testing
