//! The names under which an installed ROS 2 has a type.

/// `sensor_msgs/msg/Image`, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TypeName<'a> {
    pub package: &'a str,
    /// `msg` or `srv`.
    pub folder: &'a str,
    pub name: &'a str,
}

impl<'a> TypeName<'a> {
    /// Takes a full name apart.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('/');
        let (package, folder, name) = (parts.next()?, parts.next()?, parts.next()?);
        let good = parts.next().is_none() && !package.is_empty() && !folder.is_empty() && !name.is_empty();
        good.then_some(Self { package, folder, name })
    }

    /// The library that holds the type support of the package.
    pub fn library(&self) -> String {
        format!("lib{}__rosidl_typesupport_c.so", self.package)
    }

    /// The function that returns it.
    pub fn symbol(&self) -> String {
        let kind = if self.folder == "srv" { "service" } else { "message" };
        let Self { package, folder, name } = self;
        format!("rosidl_typesupport_c__get_{kind}_type_support_handle__{package}__{folder}__{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_services_have_their_symbols() {
        let image = TypeName::parse("sensor_msgs/msg/Image").unwrap();
        assert_eq!(image.library(), "libsensor_msgs__rosidl_typesupport_c.so");
        assert_eq!(
            image.symbol(),
            "rosidl_typesupport_c__get_message_type_support_handle__sensor_msgs__msg__Image"
        );
        let trigger = TypeName::parse("std_srvs/srv/Trigger").unwrap();
        assert_eq!(
            trigger.symbol(),
            "rosidl_typesupport_c__get_service_type_support_handle__std_srvs__srv__Trigger"
        );
        for bad in ["", "Image", "a/b", "a/b/c/d", "a//c"] {
            assert_eq!(TypeName::parse(bad), None, "{bad}");
        }
    }
}
