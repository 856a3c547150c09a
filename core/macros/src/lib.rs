//! `derive(Params)` and `export_node!`: what a node's author writes instead of a parameter parser and a registration.
//!
//! Both expand to paths under `::peregrine`, the name under which a node's crate knows either the facade crate
//! `peregrine` or, inside this repository, `peregrine-core` renamed.

mod params;

use proc_macro::TokenStream;
use quote::quote;

/// Reads a struct from ROS parameters: unknown keys, wrong types and values out of range are errors.
///
/// Field attributes: `#[param(default = EXPR, range = A..=B, name = "dotted.name", live)]`. A field without a default is
/// required, unless it is an `Option`. One marked `live` can be set while the node runs (`Node::reconfigure`). The doc comment becomes the parameter's description.
#[proc_macro_derive(Params, attributes(param))]
pub fn derive_params(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    params::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Registers a node type under its `Node::NAME`, and defines `pub static PEREGRINE_NODE` for registries that are
/// written out by hand.
#[proc_macro]
pub fn export_node(input: TokenStream) -> TokenStream {
    let node = syn::parse_macro_input!(input as syn::Type);
    quote! {
        /// The factory of this crate's node, for a registry.
        pub static PEREGRINE_NODE: ::peregrine::NodeFactory = ::peregrine::NodeFactory::of::<#node>();
        ::peregrine::__private::inventory::submit! { ::peregrine::NodeFactory::of::<#node>() }
    }
    .into()
}
