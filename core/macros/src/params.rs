//! The expansion of `derive(Params)`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Error, Expr, ExprLit, Fields, Lit, LitStr, Result, Type};

#[derive(Default)]
struct Options {
    default: Option<Expr>,
    range: Option<Expr>,
    name: Option<LitStr>,
    live: bool,
}

pub fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "Params can be derived for a struct only"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(input, "Params needs named fields: each is one ROS parameter"));
    };
    let mut specs = Vec::new();
    let mut reads = Vec::new();
    let mut writes = Vec::new();
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        let ty = &field.ty;
        let options = options(&field.attrs)?;
        let name = options.name.as_ref().map_or_else(|| ident.to_string(), LitStr::value);
        let doc = doc(&field.attrs);
        let default_value = options.default.as_ref().map_or(quote!(None), |expr| {
            let value = convert(ty, expr);
            quote!(Some(|| {
                let value: #ty = #value;
                ::peregrine::ParamType::to_value(&value)
            }))
        });
        let range_text = options.range.as_ref().map_or(quote!(None), |range| {
            let text = shown_range(range);
            quote!(Some(#text))
        });
        let live = options.live;
        writes.push(quote! {
            if let Some(value) = ::peregrine::ParamType::to_value(&self.#ident) {
                map.insert(#name.into(), value);
            }
        });
        specs.push(quote! {
            ::peregrine::ParamField {
                name: #name, doc: #doc, type_name: <#ty as ::peregrine::ParamType>::TYPE,
                default: #default_value, range: #range_text, live: #live,
            }
        });
        let default = match &options.default {
            Some(expr) => {
                let value = convert(ty, expr);
                quote!(Some(#value))
            }
            None => quote!(<#ty as ::peregrine::ParamType>::when_absent()),
        };
        let check = options.range.as_ref().map(|range| {
            let text = shown_range(range);
            quote! { if !(#range).contains(&value) { return Err(reader.out_of_range(#name, &value, #text)); } }
        });
        reads.push(quote! {
            #ident: {
                let value: #ty = reader.read(#name, #default)?;
                #check
                value
            }
        });
    }
    let name = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        impl #impl_generics ::peregrine::Params for #name #type_generics #where_clause {
            fn fields() -> &'static [::peregrine::ParamField] {
                const FIELDS: &[::peregrine::ParamField] = &[#(#specs),*];
                FIELDS
            }
            fn read(reader: &mut ::peregrine::ParamReader<'_>) -> ::peregrine::Result<Self> {
                Ok(Self { #(#reads),* })
            }
            fn to_map(&self) -> ::peregrine::ParamMap {
                let mut map = ::peregrine::ParamMap::new();
                #(#writes)*
                map
            }
        }
    })
}

/// The range as people read it: `0..=100`, and `0..` where its end is the type's own.
fn shown_range(range: &Expr) -> String {
    let text = range.to_token_stream().to_string().replace(' ', "");
    match text.split_once("..=") {
        Some((from, to)) if to.ends_with("::MAX") => format!("{from}.."),
        _ => text,
    }
}

/// A default is written as a plain literal; strings and arrays are turned into the owned type of the field.
fn convert(ty: &Type, expr: &Expr) -> TokenStream {
    let text = ty.to_token_stream().to_string().replace(' ', "");
    let is_str = matches!(expr, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }));
    match text.as_str() {
        "String" if is_str => quote!(::std::string::String::from(#expr)),
        "Vec<String>" => {
            quote!((#expr).into_iter().map(::std::string::String::from).collect::<Vec<String>>())
        }
        _ if text.starts_with("Vec<") => quote!(::std::vec::Vec::from(#expr)),
        _ if text.starts_with("Option<") => quote!(Some((#expr).into())),
        _ => quote!(#expr),
    }
}

fn options(attrs: &[Attribute]) -> Result<Options> {
    let mut options = Options::default();
    for attr in attrs.iter().filter(|a| a.path().is_ident("param")) {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("default") {
                options.default = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("range") {
                options.range = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("name") {
                options.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("live") {
                options.live = true;
            } else {
                return Err(meta.error("expected `default`, `range`, `name` or `live`"));
            }
            Ok(())
        })?;
    }
    Ok(options)
}

fn doc(attrs: &[Attribute]) -> String {
    let mut text = String::new();
    for attr in attrs.iter().filter(|a| a.path().is_ident("doc")) {
        if let syn::Meta::NameValue(pair) = &attr.meta
            && let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value
        {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(line.value().trim());
        }
    }
    text
}
