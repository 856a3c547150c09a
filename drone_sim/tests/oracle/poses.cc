// Prints what libsdformat makes of a file: one line per link, visual, collision, frame and light with its pose in the
// world, and masses and shapes. The tests compare these lines with the loader's.
#include <cstdio>
#include <string>
#include <ignition/math/Pose3.hh>
#include <sdf/sdf.hh>

using ignition::math::Pose3d;

static Pose3d resolve(const sdf::SemanticPose &pose, const Pose3d &parent) {
  Pose3d out;
  auto errors = pose.Resolve(out, "__model__");
  for (const auto &e : errors) std::fprintf(stderr, "%s\n", e.Message().c_str());
  return parent * out;
}

static void print(const std::string &kind, const std::string &name, const Pose3d &p, const std::string &more = "") {
  auto q = p.Rot();
  if (q.W() < 0) q = -q;
  std::printf("%s %s %.6f %.6f %.6f %.6f %.6f %.6f %.6f%s\n", kind.c_str(), name.c_str(), p.X() + 0.0, p.Y() + 0.0,
              p.Z() + 0.0, q.W(), q.X(), q.Y(), q.Z(), more.c_str());
}

static std::string shape(const sdf::Geometry &g) {
  char b[200] = " other";
  if (auto s = g.BoxShape()) {
    std::snprintf(b, sizeof b, " box %.6f %.6f %.6f", s->Size().X(), s->Size().Y(), s->Size().Z());
  } else if (auto s = g.CylinderShape()) {
    std::snprintf(b, sizeof b, " cylinder %.6f %.6f", s->Radius(), s->Length());
  } else if (auto s = g.SphereShape()) {
    std::snprintf(b, sizeof b, " sphere %.6f", s->Radius());
  } else if (auto s = g.CapsuleShape()) {
    std::snprintf(b, sizeof b, " capsule %.6f %.6f", s->Radius(), s->Length());
  } else if (auto s = g.EllipsoidShape()) {
    std::snprintf(b, sizeof b, " ellipsoid %.6f %.6f %.6f", s->Radii().X(), s->Radii().Y(), s->Radii().Z());
  } else if (g.PlaneShape()) {
    std::snprintf(b, sizeof b, " plane");
  }
  return b;
}

static void model(const sdf::Model &m, const Pose3d &pose, const std::string &scope) {
  print("model", scope, pose);
  for (uint64_t i = 0; i < m.LinkCount(); ++i) {
    auto l = m.LinkByIndex(i);
    auto name = scope + "::" + l->Name();
    char mass[64];
    std::snprintf(mass, sizeof mass, " mass %.6f", l->Inertial().MassMatrix().Mass());
    print("link", name, resolve(l->SemanticPose(), pose), mass);
    auto part = [&](const sdf::SemanticPose &p) { return resolve(p, pose); };
    for (uint64_t k = 0; k < l->VisualCount(); ++k) {
      auto v = l->VisualByIndex(k);
      print("visual", name + "::" + v->Name(), part(v->SemanticPose()), shape(*v->Geom()));
    }
    for (uint64_t k = 0; k < l->CollisionCount(); ++k) {
      auto c = l->CollisionByIndex(k);
      print("collision", name + "::" + c->Name(), part(c->SemanticPose()), shape(*c->Geom()));
    }
  }
  for (uint64_t i = 0; i < m.FrameCount(); ++i) {
    auto f = m.FrameByIndex(i);
    print("frame", scope + "::" + f->Name(), resolve(f->SemanticPose(), pose));
  }
  for (uint64_t i = 0; i < m.ModelCount(); ++i) {
    auto inner = m.ModelByIndex(i);
    model(*inner, resolve(inner->SemanticPose(), pose), scope + "::" + inner->Name());
  }
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  sdf::Root root;
  auto errors = root.Load(argv[1]);
  for (const auto &e : errors) std::fprintf(stderr, "%s\n", e.Message().c_str());
  if (!errors.empty()) return 1;
  auto w = root.WorldByIndex(0);
  if (!w) return 3;
  for (uint64_t i = 0; i < w->ModelCount(); ++i) {
    auto m = w->ModelByIndex(i);
    Pose3d p;
    m->SemanticPose().Resolve(p);
    model(*m, p, m->Name());
  }
  return 0;
}
