#include "core/http_date.hpp"

#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>

namespace blobvalet {

std::optional<UtcSeconds> parse_http_date(std::string_view text) {
  using namespace std::chrono;
  // std::get_time takes a text that ends too early for a match.
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  std::tm time{};
  stream >> std::get_time(&time, "%a, %d %b %Y %H:%M:%S GMT");
  if (stream.fail()) return std::nullopt;
  const year_month_day date(year(time.tm_year + 1900), month(static_cast<unsigned>(time.tm_mon) + 1U),
                            day(static_cast<unsigned>(time.tm_mday)));
  if (!date.ok()) return std::nullopt;
  return sys_days(date) + hours(time.tm_hour) + minutes(time.tm_min) + seconds(time.tm_sec);
}

std::string http_date(UtcSeconds time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << std::put_time(&parts, "%a, %d %b %Y %H:%M:%S GMT");
  return text.str();
}

}  // namespace blobvalet
