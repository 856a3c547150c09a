//! The actions that are not nodes.

use super::{Evaluator, GlobalParam, MAX_INCLUDES, Scope};
use crate::{
    error::{LaunchError, Result},
    front::{Element, parse_text},
    plan::join,
    vocabulary as tags,
};

const LEVELS: [&str; 6] = ["DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL"];

impl Evaluator<'_> {
    pub(super) fn action(&mut self, element: &Element) -> Result<()> {
        match element.tag.name {
            "arg" => self.declare(element),
            "let" => {
                let (name, value) = (self.required(element, "name")?, self.required(element, "value")?);
                self.scope.variables.insert(name, value);
                Ok(())
            }
            "include" => self.include(element),
            "group" => self.group(element),
            "push_ros_namespace" => {
                let namespace = self.required(element, "namespace")?;
                self.scope.namespace = self.namespace(element, "namespace", &namespace)?;
                Ok(())
            }
            "set_remap" => {
                let pair = (self.required(element, "from")?, self.required(element, "to")?);
                self.scope.remaps.push(pair);
                Ok(())
            }
            "set_parameter" => {
                let name = self.required(element, "name")?;
                let value = self.value_of(element, &name)?;
                self.scope.params.push(GlobalParam::Value(name, value));
                Ok(())
            }
            "set_use_sim_time" => {
                let value = self.flag(element, "value", true)?;
                self.scope.params.push(GlobalParam::Value("use_sim_time".to_owned(), value.into()));
                Ok(())
            }
            "set_parameters_from_file" => {
                let path = self.required(element, "filename")?;
                let file = self.params_file(&path, &element.at, false)?;
                self.scope.params.push(GlobalParam::File(path, file));
                Ok(())
            }
            "set_env" => {
                let (name, value) = (self.variable_name(element)?, self.required(element, "value")?);
                self.scope.environment.insert(name, Some(value));
                Ok(())
            }
            "unset_env" => {
                let name = self.variable_name(element)?;
                self.scope.environment.insert(name, None);
                Ok(())
            }
            "log" => self.log(element),
            "node" => self.node(element),
            "executable" => self.executable(element),
            "node_container" => self.container(element),
            "load_composable_node" => self.load(element),
            other => Err(LaunchError::UnknownTag {
                at: element.at.clone(),
                parent: tags::LAUNCH.name.to_owned(),
                tag: other.to_owned(),
                hint: String::new(),
            }),
        }
    }

    /// The name of an environment variable, which can hold neither `=` nor NUL.
    pub(super) fn variable_name(&mut self, element: &Element) -> Result<String> {
        let name = self.required(element, "name")?;
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(element.bad(&element.at, "name", &name, "the name of an environment variable"));
        }
        Ok(name)
    }

    fn declare(&mut self, element: &Element) -> Result<()> {
        let name = self.required(element, "name")?;
        self.declared.insert(name.clone());
        if !self.scope.variables.contains_key(&name) {
            let Some(default) = self.optional(element, "default")? else {
                return Err(LaunchError::MissingArgument { at: element.at.clone(), name });
            };
            self.scope.variables.insert(name.clone(), default);
        }
        let mut choices = Vec::new();
        for choice in &element.children {
            choices.push(self.required(choice, "value")?);
        }
        let value = self.scope.variables.get(&name).cloned().unwrap_or_default();
        if !choices.is_empty() && !choices.contains(&value) {
            let choices = choices.join(", ");
            return Err(LaunchError::BadChoice { at: element.at.clone(), name, value, choices });
        }
        Ok(())
    }

    fn include(&mut self, element: &Element) -> Result<()> {
        if self.files.len() > MAX_INCLUDES {
            let (at, what) = (element.at.clone(), "the nesting of includes");
            return Err(LaunchError::Limit { at, what, limit: MAX_INCLUDES });
        }
        let path = self.required(element, "file")?;
        let text = self.options.packages.read(&path).map_err(|error| LaunchError::Unreadable {
            at: element.at.clone(),
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let file = parse_text(&path, &text)?;
        let mut given = Vec::new();
        for argument in &element.children {
            if self.applies(argument)? {
                given.push((
                    self.required(argument, "name")?,
                    self.required(argument, "value")?,
                    argument.at.clone(),
                ));
            }
        }
        let declared_before = std::mem::take(&mut self.declared);
        self.scope.variables.extend(given.iter().map(|(name, value, _)| (name.clone(), value.clone())));
        self.file(&file, &path)?;
        for (name, _, at) in given.iter().filter(|(name, ..)| !self.declared.contains(name)) {
            let warning = format!("{at}: '{path}' declares no argument '{name}'; it only sets a variable");
            self.plan.warnings.push(warning);
        }
        self.declared.extend(declared_before);
        Ok(())
    }

    fn group(&mut self, element: &Element) -> Result<()> {
        let scoped = self.flag(element, "scoped", true)?;
        let forwarding = self.flag(element, "forwarding", true)?;
        if !scoped && !forwarding {
            return Err(element.bad(
                &element.at,
                "forwarding",
                "false",
                "true in a group that is not scoped",
            ));
        }
        let before = self.scope.clone();
        if !forwarding {
            self.scope = Scope { namespace: "/".to_owned(), ..Scope::default() };
        }
        self.children(element)?;
        if scoped {
            self.scope = before;
        }
        Ok(())
    }

    fn log(&mut self, element: &Element) -> Result<()> {
        let message = self.required(element, "message")?;
        let level =
            self.optional(element, "level")?.unwrap_or_else(|| "INFO".to_owned()).to_ascii_uppercase();
        if !LEVELS.contains(&level.as_str()) {
            return Err(element.bad(&element.at, "level", &level, &format!("one of {}", LEVELS.join(", "))));
        }
        self.plan.messages.push((level, message));
        Ok(())
    }

    /// `namespace` within the current one: an absolute one replaces it, a relative one is appended.
    pub(super) fn namespace(&self, element: &Element, attribute: &str, namespace: &str) -> Result<String> {
        let full = join(&self.scope.namespace, namespace);
        let full = format!("/{}", full.trim_matches('/'));
        let token = |token: &str| {
            token.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !token.starts_with(|c: char| c.is_ascii_digit())
        };
        if full != "/" && !full[1..].split('/').all(|part| !part.is_empty() && token(part)) {
            let expected = "names of letters, digits and _ (not first a digit), separated by single slashes";
            return Err(element.bad(&element.at, attribute, namespace, expected));
        }
        Ok(full)
    }
}
