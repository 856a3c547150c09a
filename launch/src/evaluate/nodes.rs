//! Nodes, containers and plain programs.

use serde_json::Value;

use super::Evaluator;
use crate::{
    error::{LaunchError, Result},
    front::Element,
    nearest::nearest,
    plan::{NodeKind, Output, PlannedContainer, PlannedNode, ProcessOptions, join},
    reserved::Reserved,
};

impl Evaluator<'_> {
    pub(super) fn node(&mut self, element: &Element) -> Result<()> {
        let (package, executable) = (self.required(element, "pkg")?, self.required(element, "exec")?);
        let node = self.planned(element, NodeKind::Executable { package, executable }, None)?;
        self.plan.nodes.push(node);
        Ok(())
    }

    pub(super) fn executable(&mut self, element: &Element) -> Result<()> {
        let cmd = self.required(element, "cmd")?;
        let mut words = self.words(element, "cmd", &cmd)?.into_iter();
        let Some(program) = words.next() else {
            return Err(element.bad(&element.at, "cmd", &cmd, "a program and its arguments"));
        };
        let kind = NodeKind::Command { program, args: words.collect() };
        let node = PlannedNode {
            kind,
            name: self.optional(element, "name")?,
            namespace: "/".to_owned(),
            remaps: Vec::new(),
            params: Vec::new(),
            params_files: Vec::new(),
            args: Vec::new(),
            extra_args: Vec::new(),
            process: self.process(element)?,
            container: None,
            at: element.at.clone(),
        };
        self.plan.nodes.push(node);
        Ok(())
    }

    pub(super) fn container(&mut self, element: &Element) -> Result<()> {
        let (package, executable) = (self.required(element, "pkg")?, self.required(element, "exec")?);
        let name = self.node_name(element)?.unwrap_or_default();
        let namespace = self.own_namespace(element)?;
        let full_name = join(&namespace, &name);
        let gathered = self.params(element, &full_name)?;
        let container = PlannedContainer {
            package,
            executable,
            namespace,
            remaps: self.remaps(element)?,
            params: gathered.params,
            params_files: gathered.files,
            args: self.arguments(element)?,
            process: self.process(element)?,
            name,
            at: element.at.clone(),
        };
        self.plan.containers.push(container);
        self.components(element, &full_name)
    }

    pub(super) fn load(&mut self, element: &Element) -> Result<()> {
        let target = self.required(element, "target")?;
        let full_name = join(&self.scope.namespace, &target);
        let known: Vec<String> = self.plan.containers.iter().map(PlannedContainer::full_name).collect();
        if !known.contains(&full_name) {
            let near = nearest(&full_name, known.iter().map(String::as_str));
            let hint = near.map_or_else(
                || "; start one with node_container above it".to_owned(),
                |name| format!("; did you mean '{name}'?"),
            );
            return Err(LaunchError::UnknownContainer { at: element.at.clone(), target: full_name, hint });
        }
        self.components(element, &full_name)
    }

    fn components(&mut self, element: &Element, container: &str) -> Result<()> {
        for child in element.children.iter().filter(|child| child.tag.name == "composable_node") {
            if self.applies(child)? {
                let (package, plugin) = (self.required(child, "pkg")?, self.required(child, "plugin")?);
                let kind = NodeKind::Component { package, plugin };
                let node = self.planned(child, kind, Some(container.to_owned()))?;
                self.plan.nodes.push(node);
            }
        }
        Ok(())
    }

    fn planned(
        &mut self,
        element: &Element,
        kind: NodeKind,
        container: Option<String>,
    ) -> Result<PlannedNode> {
        let process = if container.is_none() { self.process(element)? } else { ProcessOptions::default() };
        let mut node = PlannedNode {
            kind,
            name: self.node_name(element)?,
            namespace: self.own_namespace(element)?,
            remaps: self.remaps(element)?,
            params: Vec::new(),
            params_files: Vec::new(),
            args: self.arguments(element)?,
            extra_args: Vec::new(),
            process,
            container,
            at: element.at.clone(),
        };
        let gathered = self.params(element, &node.full_name())?;
        (node.params, node.params_files) = (gathered.params, gathered.files);
        for extra in element.children.iter().filter(|child| child.tag.name == "extra_arg") {
            if self.applies(extra)? {
                let name = self.required(extra, "name")?;
                let value: Value = self.value_of(extra, &name)?;
                node.extra_args.push((name, value));
            }
        }
        Reserved::of(&node.full_name(), &node.params)?;
        Ok(node)
    }

    fn node_name(&mut self, element: &Element) -> Result<Option<String>> {
        let Some(name) = self.optional(element, "name")? else { return Ok(None) };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(fits) {
            let expected = "letters, digits and _, the first not a digit; a namespace goes into 'namespace'";
            return Err(element.bad(&element.at, "name", &name, expected));
        }
        Ok(Some(name))
    }

    fn own_namespace(&mut self, element: &Element) -> Result<String> {
        match self.optional(element, "namespace")? {
            Some(namespace) => self.namespace(element, "namespace", &namespace),
            None => Ok(self.scope.namespace.clone()),
        }
    }

    /// The remaps of `set_remap`, then the node's own. In ros2 launch, too, the first that fits wins.
    fn remaps(&mut self, element: &Element) -> Result<Vec<(String, String)>> {
        let mut remaps = self.scope.remaps.clone();
        for child in element.children.iter().filter(|child| child.tag.name == "remap") {
            if self.applies(child)? {
                let (from, to) = (self.required(child, "from")?, self.required(child, "to")?);
                if from.is_empty() || to.is_empty() {
                    return Err(child.bad(
                        &child.at,
                        if from.is_empty() { "from" } else { "to" },
                        "",
                        "a topic's name",
                    ));
                }
                remaps.push((from, to));
            }
        }
        Ok(remaps)
    }

    fn arguments(&mut self, element: &Element) -> Result<Vec<String>> {
        let mut words = Vec::new();
        if let Some(text) = self.optional(element, "args")? {
            words.extend(self.words(element, "args", &text)?);
        }
        if let Some(text) = self.optional(element, "ros_args")? {
            words.push("--ros-args".to_owned());
            words.extend(self.words(element, "ros_args", &text)?);
            words.push("--".to_owned());
        }
        Ok(words)
    }

    /// Splits a command line as a shell would, without expanding anything.
    fn words(&self, element: &Element, name: &str, text: &str) -> Result<Vec<String>> {
        split(text).ok_or_else(|| element.bad(&element.at, name, text, "words with every quote closed"))
    }

    fn process(&mut self, element: &Element) -> Result<ProcessOptions> {
        let mut env: Vec<(String, Option<String>)> = self.scope.environment.clone().into_iter().collect();
        for child in element.children.iter().filter(|child| child.tag.name == "env") {
            if self.applies(child)? {
                let (name, value) = (self.variable_name(child)?, self.required(child, "value")?);
                env.retain(|(known, _)| *known != name);
                env.push((name, Some(value)));
            }
        }
        let output = match self.optional(element, "output")?.as_deref() {
            None | Some("screen") => Output::Screen,
            Some("log") => Output::Log,
            Some("both" | "full" | "own_log") => Output::Both,
            Some(other) => return Err(element.bad(&element.at, "output", other, "screen, log or both")),
        };
        let on_exit_shutdown = match self.optional(element, "on_exit")?.as_deref() {
            None => false,
            Some("shutdown") => true,
            Some(other) => return Err(element.bad(&element.at, "on_exit", other, "shutdown")),
        };
        let retries = match self.number(element, "respawn_max_retries") {
            // ros2 launch says -1 for "no limit".
            Err(LaunchError::BadValue { value, .. }) if value == "-1" => None,
            other => other?.map(|retries| retries as u32),
        };
        let prefix = self.optional(element, "launch-prefix")?.unwrap_or_default();
        Ok(ProcessOptions {
            label: self.optional(element, "exec_name")?,
            env,
            cwd: self.optional(element, "cwd")?,
            prefix: self.words(element, "launch-prefix", &prefix)?,
            respawn: self.flag(element, "respawn", false)?,
            respawn_delay: self.number(element, "respawn_delay")?.unwrap_or(0.0),
            respawn_max_retries: retries,
            on_exit_shutdown,
            sigterm_timeout: self.number(element, "sigterm_timeout")?,
            sigkill_timeout: self.number(element, "sigkill_timeout")?,
            output,
        })
    }
}

/// POSIX words: blanks separate, `'` and `"` group, a backslash protects the next character.
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_as_a_shell_splits_them() {
        assert_eq!(split(r#"a  'b c' d"e f" \ g "" "#).unwrap(), ["a", "b c", "de f", " g", ""]);
        assert_eq!(split("").unwrap(), Vec::<String>::new());
        assert_eq!(split("'a"), None);
    }
}
