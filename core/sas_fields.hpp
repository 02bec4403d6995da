#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "core/http.hpp"
#include "core/sas_version.hpp"

namespace blobvalet {

/// What a SAS says, before it is signed. Every value is raw (not percent-encoded); empty means absent. Names
/// in the comments are those of the query parameters ("Create a service SAS" and "Create a user delegation
/// SAS", learn.microsoft.com).
struct SasFields {
  const SasVersion* version = nullptr;  ///< sv; never null when signed
  std::string_view permissions;         ///< sp
  std::string_view start;               ///< st
  std::string_view expiry;              ///< se
  std::string_view account;
  std::string_view container;
  std::string_view blob;              ///< empty: the container itself
  std::string_view resource = "b";    ///< sr
  std::string_view identifier;        ///< si; service SAS only
  std::string_view ip;                ///< sip
  std::string_view protocol;          ///< spr
  std::string_view encryption_scope;  ///< ses

  std::string_view cache_control;        ///< rscc
  std::string_view content_disposition;  ///< rscd
  std::string_view content_encoding;     ///< rsce
  std::string_view content_language;     ///< rscl
  std::string_view content_type;         ///< rsct

  // User delegation SAS only.
  std::string_view authorized_object_id;                 ///< saoid
  std::string_view unauthorized_object_id;               ///< suoid
  std::string_view correlation_id;                       ///< scid
  std::string_view delegated_user_object_id;             ///< sduoid
  std::span<const NamedValue> request_headers;           ///< srh carries the names, values are signed
  std::span<const NamedValue> request_query_parameters;  ///< srq likewise
};

/// The public half of a user delegation key, exactly as Get User Delegation Key returned it.
struct DelegationKeyFields {
  std::string_view object_id;       ///< skoid
  std::string_view tenant_id;       ///< sktid
  std::string_view start;           ///< skt
  std::string_view expiry;          ///< ske
  std::string_view service;         ///< sks
  std::string_view version;         ///< skv
  std::string_view user_tenant_id;  ///< skdutid
};

/// Appends the text whose HMAC is the signature of a service SAS: 15 fields, or 16 (with `ses`) from version
/// 2020-12-06, joined by line feeds with none at the end.
void append_string_to_sign(std::string& out, const SasFields& fields);

/// The same for a user delegation SAS: 20, 23, 24, 26 or 28 fields, depending on the version.
void append_string_to_sign(std::string& out, const SasFields& fields, const DelegationKeyFields& key);

/// Appends the SAS as query text (`sv=...&...&sig=...`), each value percent-encoded, absent fields left out.
/// `key` is null for a service SAS.
void append_sas_query(std::string& out, const SasFields& fields, const DelegationKeyFields* key,
                      std::string_view signature);

}  // namespace blobvalet
