//! Who offers what, and who listens.

use super::core::Header;

/// `Discovery`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Discovery {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(uint32, tag = "2")]
    pub version: u32,
    #[prost(string, tag = "3")]
    pub process_uuid: String,
    #[prost(enumeration = "discovery::Type", tag = "4")]
    pub r#type: i32,
    #[prost(message, optional, tag = "5")]
    pub flags: Option<discovery::Flags>,
    #[prost(oneof = "discovery::DiscContents", tags = "6, 7")]
    pub disc_contents: Option<discovery::DiscContents>,
}

/// What `Discovery` holds.
pub mod discovery {
    /// `Discovery.Type`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Type {
        Uninitialized = 0,
        Advertise = 1,
        Subscribe = 2,
        Unadvertise = 3,
        Heartbeat = 4,
        Bye = 5,
        NewConnection = 6,
        EndConnection = 7,
    }

    /// `Discovery.Flags`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Flags {
        #[prost(bool, tag = "1")]
        pub relay: bool,
        #[prost(bool, tag = "2")]
        pub no_relay: bool,
    }

    /// `Discovery.Subscriber`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Subscriber {
        #[prost(string, tag = "1")]
        pub topic: String,
    }

    /// `Discovery.Publisher`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Publisher {
        #[prost(string, tag = "1")]
        pub topic: String,
        #[prost(string, tag = "2")]
        pub address: String,
        #[prost(string, tag = "3")]
        pub process_uuid: String,
        #[prost(string, tag = "4")]
        pub node_uuid: String,
        #[prost(enumeration = "publisher::Scope", tag = "5")]
        pub scope: i32,
        #[prost(oneof = "publisher::PubType", tags = "6, 7")]
        pub pub_type: Option<publisher::PubType>,
    }

    /// What `Discovery.Publisher` holds.
    pub mod publisher {
        /// `Discovery.Publisher.Scope`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum Scope {
            Process = 0,
            Host = 1,
            All = 2,
        }

        /// `Discovery.Publisher.MessagePublisher`.
        #[derive(Clone, PartialEq, prost::Message)]
        pub struct MessagePublisher {
            #[prost(string, tag = "1")]
            pub ctrl: String,
            #[prost(string, tag = "2")]
            pub msg_type: String,
            #[prost(bool, tag = "3")]
            pub throttled: bool,
            #[prost(uint64, tag = "4")]
            pub msgs_per_sec: u64,
        }

        /// `Discovery.Publisher.ServicePublisher`.
        #[derive(Clone, PartialEq, prost::Message)]
        pub struct ServicePublisher {
            #[prost(string, tag = "1")]
            pub socket_id: String,
            #[prost(string, tag = "2")]
            pub request_type: String,
            #[prost(string, tag = "3")]
            pub response_type: String,
        }

        /// `Discovery.Publisher.pub_type`.
        #[derive(Clone, PartialEq, prost::Oneof)]
        pub enum PubType {
            #[prost(message, tag = "6")]
            MsgPub(MessagePublisher),
            #[prost(message, tag = "7")]
            SrvPub(ServicePublisher),
        }
    }

    /// `Discovery.disc_contents`.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum DiscContents {
        #[prost(message, tag = "6")]
        Sub(Subscriber),
        #[prost(message, tag = "7")]
        Pub(Publisher),
    }
}
