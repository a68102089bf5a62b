#include "base/json_value.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace spc {

// A place in a document that all values of it hold on to.
struct JsonValue::Impl {
  std::shared_ptr<const nlohmann::json> document;
  const nlohmann::json* place;
};

JsonValue JsonValue::parse(std::string_view text) {
  try {
    auto document = std::make_shared<const nlohmann::json>(nlohmann::json::parse(text));
    const nlohmann::json* place = document.get();
    return JsonValue(std::make_shared<Impl>(Impl{std::move(document), place}));
  } catch (const nlohmann::json::exception& error) {
    throw Error(concat("no JSON: ", error.what()));
  }
}

std::optional<JsonValue> JsonValue::try_parse(std::string_view text) {
  try {
    return parse(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

JsonValue JsonValue::operator[](const std::string& key) const {
  static const nlohmann::json kNull;
  const nlohmann::json& place = *impl_->place;
  const bool there = place.is_object() && place.contains(key);
  return JsonValue(std::make_shared<Impl>(Impl{impl_->document, there ? &place.at(key) : &kNull}));
}

std::vector<JsonValue> JsonValue::items() const {
  std::vector<JsonValue> items;
  if (impl_->place->is_array())
    for (const nlohmann::json& item : *impl_->place)
      items.push_back(JsonValue(std::make_shared<Impl>(Impl{impl_->document, &item})));
  return items;
}

std::vector<std::string> JsonValue::keys() const {
  std::vector<std::string> keys;
  if (impl_->place->is_object())
    for (const auto& [key, value] : impl_->place->items()) keys.push_back(key);
  return keys;
}

bool JsonValue::is_null() const {
  return impl_->place->is_null();
}

bool JsonValue::is_number() const {
  return impl_->place->is_number();
}

double JsonValue::number() const {
  return is_number() ? impl_->place->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

std::string JsonValue::text(const std::string& fallback) const {
  return impl_->place->is_string() ? impl_->place->get<std::string>() : fallback;
}

}  // namespace spc
