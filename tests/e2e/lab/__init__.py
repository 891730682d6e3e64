# SPDX-License-Identifier: MIT
"""The world around the server, of real parts, on one machine and without the outside network.

    ACME client -> pebble, a certificate authority    -> unbound, its validating resolver -> nsd, the parent zones
         |                                                                                -> acmezone, the server
         `--- acmezone-hook ----------------------------------------------------------------> (its API)

processes   a Lab: a folder, a way to run programs, and the programs that run in it
namespace   a network of its own, for what takes port 53 or forged packets
zones       zone files as their owners write them, and their DNSSEC signatures
nsd         authoritative name servers for them
unbound     the resolver
pebble      the certificate authority
clients     certbot, dehydrated, lego and uacme
certificate what a certificate says, and whether the authority really signed it
"""
