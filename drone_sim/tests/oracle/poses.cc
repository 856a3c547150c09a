// Prints what libsdformat makes of a file: one line per link, visual, collision, frame and light with its pose in the
// world, and masses and shapes. The tests compare these lines with the loader's.
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <ignition/math/Pose3.hh>
#include <sdf/sdf.hh>

using ignition::math::Pose3d;

// Names with blanks would end a word.
static std::string word(std::string text) {
  for (auto &c : text) c = c == ' ' ? '_' : c;
  return text;
}

static Pose3d resolve(const sdf::SemanticPose &pose, const Pose3d &parent) {
  Pose3d out;
  auto errors = pose.Resolve(out, "__model__");
  for (const auto &e : errors) std::fprintf(stderr, "%s\n", e.Message().c_str());
  return parent * out;
}

static void print(const std::string &kind, const std::string &name, const Pose3d &p, const std::string &more = "") {
  auto q = p.Rot();
  if (q.W() < 0) q = -q;
  std::printf("%s %s %.6f %.6f %.6f %.6f %.6f %.6f %.6f%s\n", kind.c_str(), word(name).c_str(), p.X() + 0.0, p.Y() + 0.0,
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

static std::string numbers(std::initializer_list<double> list) {
  std::string out;
  char b[400];
  for (double x : list) {
    std::snprintf(b, sizeof b, " %.6f", x);
    out += b;
  }
  return out;
}

static std::string vec(const ignition::math::Vector3d &v) { return numbers({v.X(), v.Y(), v.Z()}); }

static std::string noise(const sdf::Noise &n) {
  if (n.Type() == sdf::NoiseType::NONE) return numbers({0, 0, 0, 0, 0, 0});
  return numbers({n.Mean(), n.StdDev(), n.BiasMean(), n.BiasStdDev(), n.DynamicBiasStdDev(),
                  n.DynamicBiasCorrelationTime()});
}

static std::string sensor(const sdf::Sensor &s) {
  std::string type = s.TypeStr() == "gpu_lidar" ? "lidar" : s.TypeStr();
  std::string out = " " + type + " topic=" + word(s.Topic()) + numbers({s.UpdateRate()});
  if (auto c = s.CameraSensor()) {
    out += numbers({double(c->ImageWidth()), double(c->ImageHeight()), c->HorizontalFov().Radian(), c->NearClip(),
                    c->FarClip()}) +
           numbers({c->DistortionK1(), c->DistortionP2()}) + noise(c->ImageNoise());
  } else if (auto l = s.LidarSensor()) {
    out += numbers({double(l->HorizontalScanSamples()), l->HorizontalScanMinAngle().Radian(),
                    l->HorizontalScanMaxAngle().Radian(), double(l->VerticalScanSamples()), l->RangeMin(),
                    l->RangeMax()}) +
           noise(l->LidarNoise());
  } else if (auto i = s.ImuSensor()) {
    out += noise(i->AngularVelocityXNoise()) + noise(i->AngularVelocityZNoise()) + noise(i->LinearAccelerationYNoise());
  } else if (auto m = s.MagnetometerSensor()) {
    out += noise(m->XNoise()) + noise(m->ZNoise());
  } else if (auto a = s.AltimeterSensor()) {
    out += noise(a->VerticalPositionNoise()) + noise(a->VerticalVelocityNoise());
  } else if (auto p = s.AirPressureSensor()) {
    out += numbers({p->ReferenceAltitude()}) + noise(p->PressureNoise());
  } else if (auto n = s.NavSatSensor()) {
    out += noise(n->HorizontalPositionNoise()) + noise(n->VerticalVelocityNoise());
  }
  return out;
}

static std::string axis(const sdf::JointAxis *a) {
  if (!a) return " none";
  ignition::math::Vector3d v;
  for (const auto &e : a->ResolveXyz(v)) std::fprintf(stderr, "%s\n", e.Message().c_str());
  return vec(v) + numbers({a->Lower(), a->Upper(), a->Damping(), a->Friction()});
}

static const char *kind(sdf::JointType t) {
  switch (t) {
    case sdf::JointType::BALL: return "ball";
    case sdf::JointType::CONTINUOUS: return "continuous";
    case sdf::JointType::FIXED: return "fixed";
    case sdf::JointType::GEARBOX: return "gearbox";
    case sdf::JointType::PRISMATIC: return "prismatic";
    case sdf::JointType::REVOLUTE: return "revolute";
    case sdf::JointType::REVOLUTE2: return "revolute2";
    case sdf::JointType::SCREW: return "screw";
    case sdf::JointType::UNIVERSAL: return "universal";
    default: return "invalid";
  }
}

static void light(const sdf::Light &l, const Pose3d &p, const std::string &name) {
  print("light", name, p, vec(l.Direction().Normalized()) + numbers({l.Diffuse().R(), l.AttenuationRange(), l.ConstantAttenuationFactor(),
                                                       l.LinearAttenuationFactor(), l.QuadraticAttenuationFactor(), l.Intensity(),
                                                       l.SpotOuterAngle().Radian()}));
}

static void model(const sdf::Model &m, const Pose3d &pose, const std::string &scope) {
  print("model", scope, pose);
  for (uint64_t i = 0; i < m.LinkCount(); ++i) {
    auto l = m.LinkByIndex(i);
    auto name = scope + "::" + l->Name();
    auto link = resolve(l->SemanticPose(), pose);
    auto moments = l->Inertial().MassMatrix();
    print("link", name, link, " mass" + numbers({moments.Mass()}));
    print("inertial", name, link * l->Inertial().Pose(),
          vec(moments.DiagonalMoments()) + vec(moments.OffDiagonalMoments()));
    for (uint64_t k = 0; k < l->SensorCount(); ++k) {
      auto s = l->SensorByIndex(k);
      print("sensor", name + "::" + s->Name(), resolve(s->SemanticPose(), pose), sensor(*s));
    }
    for (uint64_t k = 0; k < l->LightCount(); ++k) {
      auto s = l->LightByIndex(k);
      light(*s, resolve(s->SemanticPose(), pose), name + "::" + s->Name());
    }
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
  for (uint64_t i = 0; i < m.JointCount(); ++i) {
    auto j = m.JointByIndex(i);
    print("joint", scope + "::" + j->Name(), resolve(j->SemanticPose(), pose),
          std::string(" ") + kind(j->Type()) + axis(j->Axis(0)) + axis(j->Axis(1)));
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
  if (auto m = root.Model()) {
    Pose3d p;
    m->SemanticPose().Resolve(p);
    model(*m, p, m->Name());
  }
  // Alone in a file it is in no graph that could resolve its pose.
  if (auto l = root.Light()) light(*l, l->RawPose(), l->Name());
  auto w = root.WorldByIndex(0);
  if (!w) return 0;
  for (uint64_t i = 0; i < w->ModelCount(); ++i) {
    auto m = w->ModelByIndex(i);
    Pose3d p;
    m->SemanticPose().Resolve(p);
    model(*m, p, m->Name());
  }
  for (uint64_t i = 0; i < w->LightCount(); ++i) {
    auto l = w->LightByIndex(i);
    Pose3d p;
    l->SemanticPose().Resolve(p);
    light(*l, p, l->Name());
  }
  for (uint64_t i = 0; i < w->FrameCount(); ++i) {
    auto f = w->FrameByIndex(i);
    Pose3d p;
    f->SemanticPose().Resolve(p);
    print("frame", f->Name(), p);
  }
  for (uint64_t i = 0; i < w->ActorCount(); ++i) std::printf("actor %s\n", word(w->ActorByIndex(i)->Name()).c_str());
  // libsdformat rounds its default of the magnetic field to whole microteslas.
  auto field = w->MagneticField() * 1e6;
  std::printf("world%s%s%s%s\n", vec(w->Gravity()).c_str(), vec(w->WindLinearVelocity()).c_str(),
              numbers({std::round(field.X()), std::round(field.Y()), std::round(field.Z())}).c_str(), numbers({w->PhysicsByIndex(0)->MaxStepSize()}).c_str());
  return 0;
}
